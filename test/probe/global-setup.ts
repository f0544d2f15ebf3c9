import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TestProject } from 'vitest/node'

/** The folder that holds the compiled `probe` and `holder`, or why there is none. */
export type Probe = { readonly folder: string } | { readonly missing: string }

declare module 'vitest' {
  interface ProvidedContext {
    probe: Probe
  }
}

const programs = ['probe', 'holder']
const folder = mkdtempSync(path.join(tmpdir(), 'buildjail-probe-'))

// Once for all files, and here, as the processes that run the tests are not let finish: they would leave it behind.
export function setup(project: TestProject): void {
  project.provide('probe', compile())
}

export function teardown(): void {
  rmSync(folder, { recursive: true, force: true })
}

function compile(): Probe {
  chmodSync(folder, 0o755)
  for (const program of programs) {
    const source = fileURLToPath(new URL(`${program}.c`, import.meta.url))
    const { status, error, stderr } = spawnSync('cc', ['-o', path.join(folder, program), source], { encoding: 'utf8' })
    if (status === 0) continue
    // A compiler that is there and does not take it is a failure; none is a reason to skip.
    if (error === undefined) throw new Error(`test/probe/${program}.c could not be compiled: ${stderr}`)
    const missing = `there is no cc to compile test/probe/${program}.c with (${error.message})`
    console.warn(`skipped: ${missing}`)
    return { missing }
  }
  return { folder }
}
