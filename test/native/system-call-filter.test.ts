import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const folder = mkdtempSync(path.join(tmpdir(), 'buildjail-filter-test-'))
const program = path.join(folder, 'system_call_filter_test')
const here = path.dirname(fileURLToPath(import.meta.url))
const native = path.join(here, '..', '..', 'native')
const sources = [path.join(here, 'system_call_filter_test.cc'), ...['refused_calls', 'system_call_filter'].map((name) => path.join(native, 'linux', `${name}.cc`))]

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const canBeRun = process.platform === 'linux' && spawnSync('c++', ['--version']).error === undefined
if (!canBeRun) console.warn('skipped: the filter on system calls is not tested by itself, as this is not Linux or there is no c++ here')

describe.skipIf(!canBeRun)('the filter on system calls', () => {
  beforeAll(() => {
    const { stderr, status } = spawnSync('c++', ['-std=c++20', '-O0', '-Wall', '-Wextra', `-I${native}`, '-o', program, ...sources], { encoding: 'utf8' })
    expect(stderr).toBe('')
    expect(status).toBe(0)
  }, 120_000)

  // promise: 36
  test('refuses what its table says, on every architecture, and lets everything else through', () => {
    const { stdout, status } = spawnSync(program, { encoding: 'utf8' })
    const lines = stdout.trimEnd().split('\n')
    expect(lines.filter((line) => !line.startsWith('ok '))).toEqual([])
    expect(lines.length).toBeGreaterThan(10)
    expect(status).toBe(0)
  })

  // Headers older than the table know fewer calls.
  test.each([
    [1, ['/usr/include/x86_64-linux-gnu/asm/unistd_64.h', '/usr/include/asm/unistd_64.h']],
    [2, ['/usr/include/asm-generic/unistd.h']],
  ] as const)('has the numbers that the kernel’s own headers have (column %d)', (column, places) => {
    const header = places.find((place) => existsSync(place))
    if (header === undefined) return
    const numbers = new Map(
      [...readFileSync(header, 'utf8').matchAll(/^#define __NR(?:3264)?_(\w+)\s+(\d+)$/gm)].map(([, name = '', number]) => [name, Number(number)]),
    )
    const rows = spawnSync(program, ['table'], { encoding: 'utf8' }).stdout.trimEnd().split('\n').map((line) => line.split(' '))
    const known = rows.filter(([name = '']) => numbers.has(name))
    expect(known.length).toBeGreaterThan(50)
    expect(known.map(([name, ...of]) => [name, Number(of[column - 1])])).toEqual(known.map(([name = '']) => [name, numbers.get(name)]))
    const missing = rows.filter((row) => row[column] === '-1').map(([name = '']) => name)
    expect(missing.filter((name) => numbers.has(name))).toEqual([])
  })
})
