import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TestProject } from 'vitest/node'

import { probeSources } from './probe-sources.mjs'
import { readyProgram } from './ready-programs.ts'

/** The folder that holds the compiled probes, or why there are none. */
export type Probe = { readonly folder: string } | { readonly missing: string }

declare module 'vitest' {
  interface ProvidedContext {
    probe: Probe
  }
}

const folder = mkdtempSync(path.join(tmpdir(), 'buildjail-probe-'))

// Once for all files, and here, as the processes that run the tests are not let finish: they would leave it behind.
export function setup(project: TestProject): void {
  chmodSync(folder, 0o755)
  const ready = readyProgram('probe')
  project.provide('probe', ready === undefined ? compile() : copyOf(ready))
  // Builds of other users execute them, whatever the umask of the tests is.
  for (const name of readdirSync(folder)) chmodSync(path.join(folder, name), 0o755)
}

export function teardown(): void {
  rmSync(folder, { recursive: true, force: true })
}

function copyOf(ready: string): Probe {
  for (const name of readdirSync(ready)) copyFileSync(path.join(ready, name), path.join(folder, name))
  return { folder }
}

function compile(): Probe {
  for (const source of probeSources()) {
    const { status, error, stderr } = spawnSync('cc', ['-o', path.join(folder, path.basename(source, '.c')), source], { encoding: 'utf8' })
    if (status === 0) continue
    // A compiler that is there and does not take it is a failure; none is a reason to skip.
    if (error === undefined) throw new Error(`${source} could not be compiled: ${stderr}`)
    const missing = `there is no cc to compile the probes with (${error.message})`
    console.warn(`skipped: ${missing}`)
    return { missing }
  }
  return { folder }
}
