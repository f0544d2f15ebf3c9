// A task runner whose cache is keyed by what each task read, and not by what a person thinks that it reads.
// docs/guide/cache.md says why a hit is never wrong, and for which tasks.
import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { build, filesOf, inputsDigest, planOf } from 'buildjail'

/**
 * Runs a command of a spec without outputs, or takes what it made from the cache. Replaces `output`, which the command has at `target`.
 * @returns whether it was in the cache
 */
export async function cachedTask({ cache, output, target = '/output', spec, command }) {
  const { env, mounts, links } = planOf(spec)
  // Optional sources come and go, and so do places that the patterns of `exclude` fit. A source that is a link may lead elsewhere.
  const fixed = JSON.stringify([spec, env, mounts.map((mount) => [mount.kind, mount.target, mount.source]), links, target, command])
  const runs = path.join(cache, createHash('sha256').update(fixed).digest('hex'))
  mkdirSync(runs, { recursive: true })
  const hit = await earlierRun(runs)
  const run = hit ?? (await newRun(runs, target, spec, command))
  rmSync(output, { recursive: true, force: true })
  cpSync(path.join(run, 'output'), output, { recursive: true, verbatimSymlinks: true })
  if (path.basename(run).startsWith('.')) rmSync(run, { recursive: true })
  return hit !== undefined
}

/** An earlier run that would read the same again. */
async function earlierRun(runs) {
  for (const name of readdirSync(runs).filter((one) => !one.startsWith('.'))) {
    const run = path.join(runs, name)
    const { files, digest } = JSON.parse(readFileSync(path.join(run, 'run.json'), 'utf8'))
    if ((await inputsDigest(files, { toolchain: true }).catch(() => undefined)) === digest) return run
  }
  return undefined
}

/** The name begins with a dot until the run is complete, and so does that of a run which cannot be kept. */
async function newRun(runs, target, spec, command) {
  const run = mkdtempSync(path.join(runs, '.run-'))
  const made = path.join(run, 'output')
  mkdirSync(made)
  const unchangedSince = Date.now()
  const plan = planOf({ ...spec, outputs: { [target]: made }, trace: true })
  const { trace } = await build(plan, command).catch((error) => {
    rmSync(run, { recursive: true })
    throw error
  })
  const files = filesOf(trace, plan, Infinity)
  const digest = await inputsDigest(files, { unchangedSince, toolchain: true }).catch((error) => console.error(`not in the cache: ${error.message}`))
  writeFileSync(path.join(run, 'run.json'), JSON.stringify({ files, digest }))
  if (digest === undefined) return run
  const complete = path.join(runs, path.basename(run).slice(1))
  renameSync(run, complete)
  return complete
}
