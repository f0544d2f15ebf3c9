import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'

const here = path.dirname(fileURLToPath(import.meta.url))
const native = path.join(here, '..', '..', 'native')
const folder = mkdtempSync(path.join(tmpdir(), 'buildjail-core-test-'))
const program = path.join(folder, 'core_test')

afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** They are linked against a system's own files; sessions test them. */
const needSystem = new Set(['waiter.cc', 'job.cc', 'jobs.cc'])

const hasCompiler = spawnSync('c++', ['--version']).error === undefined
if (!hasCompiler) console.warn('skipped: what is of no system is not tested by itself, as there is no c++ here')

describe.skipIf(!hasCompiler)('the rooms of no system', () => {
  test('holds on its own, compiled without anything of Node', { timeout: 120_000 }, () => {
    const rooms = ['base', 'plan', 'launch', 'state', 'envelope'].flatMap((room) => readdirSync(path.join(native, room)).map((name) => path.join(native, room, name)))
    const sources = [path.join(here, 'core_test.cc'), ...rooms.filter((name) => name.endsWith('.cc') && !needSystem.has(path.basename(name)))]
    const compiled = spawnSync('c++', ['-std=c++20', '-O0', `-I${native}`, '-o', program, ...sources, '-pthread'], { encoding: 'utf8' })
    expect(compiled.stderr).toBe('')
    const { stdout, status } = spawnSync(program, { encoding: 'utf8' })
    const lines = stdout.trimEnd().split('\n')
    expect(lines.filter((line) => !line.startsWith('ok '))).toEqual([])
    expect(lines.length).toBeGreaterThan(20)
    expect(status).toBe(0)
  })
})
