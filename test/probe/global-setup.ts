import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TestProject } from 'vitest/node'

/** The folder that holds the compiled probes, or why there are none. */
export type Probe = { readonly folder: string } | { readonly missing: string }

declare module 'vitest' {
  interface ProvidedContext {
    probe: Probe
  }
}

const sources = fileURLToPath(new URL('.', import.meta.url))
const folder = mkdtempSync(path.join(tmpdir(), 'buildjail-probe-'))

// Once for all files, and here, as the processes that run the tests are not let finish: they would leave it behind.
export function setup(project: TestProject): void {
  project.provide('probe', compile())
}

export function teardown(): void {
  rmSync(folder, { recursive: true, force: true })
}

/** Each C file is a program. */
function compile(): Probe {
  chmodSync(folder, 0o755)
  for (const source of readdirSync(sources).filter((name) => name.endsWith('.c'))) {
    const args = ['-o', path.join(folder, path.basename(source, '.c')), path.join(sources, source)]
    const { status, error, stderr } = spawnSync('cc', args, { encoding: 'utf8' })
    if (status === 0) continue
    // A compiler that is there and does not take it is a failure; none is a reason to skip.
    if (error === undefined) throw new Error(`test/probe/${source} could not be compiled: ${stderr}`)
    const missing = `there is no cc to compile the probes with (${error.message})`
    console.warn(`skipped: ${missing}`)
    return { missing }
  }
  return { folder }
}
