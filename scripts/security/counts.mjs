// `npm run counts`: has a session with limits take all it can of each count that sessions share, and writes docs/shared-counts.md: the
// figure on the host before, meanwhile and afterwards. For root; on Linux it does the same as an ordinary user. `--print` prints it, as in a
// guest, whose files are not kept: `npm run counts:freebsd` takes it from there.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import { openSession } from '../../dist/index.js'
import { countsMarkdown, pageWith } from './counts-page.mjs'
import { sharedCounts } from './shared-counts.mjs'

const root = path.resolve(import.meta.dirname, '..', '..')
const rows = sharedCounts[process.platform]
const limits = { cpus: 1, memory: '512M', processes: 64, openFiles: 1024, tmpSize: '32M', tmpFiles: 5000, policy: 'best-effort' }
const anybody = ['setpriv', '--reuid=4711', '--regid=4711', '--clear-groups']
/** Where their modules are not loaded, there are no POSIX semaphores and queues to take (sem(4), mqueuefs(5)). */
const inGuest = 'for one in sem mqueuefs; do kldload -n $one; done; bun scripts/security/counts.mjs --print'

await main(process.argv.slice(2))

async function main([how, folder]) {
  if (how === '--measure') return console.log(JSON.stringify(await measureAll(folder)))
  if (how === '--from-guest') return fromGuest()
  const programs = compiled()
  try {
    const figures = { root: await measureAll(programs) }
    if (process.platform === 'linux') figures['an ordinary user'] = measuredAs(anybody, programs)
    const text = countsMarkdown(process.platform, figures)
    if (how === '--print') console.log(`COUNTED ${JSON.stringify(text)}`)
    else put(process.platform, text)
  } finally {
    rmSync(programs, { recursive: true })
  }
}

function put(platform, text) {
  const file = path.join(root, 'docs', 'shared-counts.md')
  writeFileSync(file, pageWith(readFileSync(file, 'utf8'), platform, text))
}

/** A folder of its own with the program, which everybody may read. */
function compiled() {
  const folder = mkdtempSync(path.join(tmpdir(), 'buildjail-counts-'))
  chmodSync(folder, 0o755)
  const ready = path.join(root, 'prebuilds', `${process.platform}-${process.arch}-programs`, 'probe', 'counts')
  const [file, ...words] = existsSync(ready) ? ['cp', ready] : ['cc', '-o']
  const args = existsSync(ready) ? [...words, folder] : [...words, path.join(folder, 'counts'), path.join(root, 'test', 'probe', 'counts.c')]
  const { status, error, stderr } = spawnSync(file, args, { encoding: 'utf8' })
  if (status !== 0) throw error ?? new Error(stderr)
  return folder
}

function measuredAs(words, programs) {
  const [file, ...args] = [...words, process.execPath, fileURLToPath(import.meta.url), '--measure', programs]
  const { status, stdout, stderr } = spawnSync(file, args, { encoding: 'utf8', maxBuffer: 2 ** 26 })
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}

/** By the count: `{ took, before, during, after }`, nothing where a row needs a limit that this caller's sessions cannot have, or a module that is not loaded. */
async function measureAll(programs) {
  const held = await openSession({ limits })
  const applied = (await held.record()).limits.map(({ limit }) => limit)
  await held.close()
  const measured = {}
  for (const row of rows) if ((row.needs === undefined || applied.includes(row.needs)) && (row.module === undefined || isLoaded(row.module))) measured[row.count] = await measure(row, programs)
  return measured
}

function isLoaded(module) {
  return spawnSync('kldstat', ['-q', '-m', module]).status === 0
}

async function measure({ probe, shows, spec = {} }, programs) {
  const figure = () => (shows === null ? undefined : shows === undefined ? roomFor(probe, programs) : shows())
  const before = figure()
  const session = await openSession({ ...spec, inputs: { programs }, limits })
  try {
    const child = session.spawn(['/inputs/programs/counts', 'take', '0', probe], { stdio: ['ignore', 'pipe', 'inherit'] })
    let took
    for await (const line of createInterface({ input: child.stdout })) {
      if (line.startsWith(`${probe}: `)) took = Number(line.slice(probe.length + 2))
      if (line === 'all: taken') break
    }
    if (took === undefined) throw new Error(`counts said nothing of ${probe}`)
    const during = figure()
    await session.close()
    return { took, before, during, after: figure() }
  } finally {
    await session.close()
  }
}

/** How much of it there is for another program of this user. */
function roomFor(probe, programs) {
  const { stdout } = spawnSync(path.join(programs, 'counts'), ['room', probe], { encoding: 'utf8', cwd: '/' })
  return Number(stdout.trim().split(': ')[1])
}

async function fromGuest() {
  const child = spawn(process.execPath, [path.join(root, 'scripts', 'freebsd', 'run.mjs'), '--', inGuest], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'close')
  process.exitCode = 1
  for await (const line of createInterface({ input: child.stdout })) {
    const [, text] = /^COUNTED (".*")\s*$/.exec(line) ?? []
    if (text === undefined) {
      console.error(line)
      continue
    }
    put('freebsd', JSON.parse(text))
    process.exitCode = 0
  }
  await ended
}
