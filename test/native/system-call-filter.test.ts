import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { casesIn, runCases } from './doctest.ts'
import { doctest, nativeTestFlags } from './sources.mjs'

const folder = mkdtempSync(path.join(tmpdir(), 'buildjail-filter-test-'))
const program = path.join(folder, 'system_call_filter_test')
const here = path.dirname(fileURLToPath(import.meta.url))
const native = path.join(here, '..', '..', 'native')
const sources = [path.join(here, 'system_call_filter_test.cc'), ...['path_calls', 'refused_calls', 'system_call_filter'].map((name) => path.join(native, 'linux', `${name}.cc`))]

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const cases = casesIn(sources.slice(0, 1))

function whyNot(): string | undefined {
  if (process.platform !== 'linux') return 'this is not Linux'
  if (spawnSync('c++', ['--version']).error !== undefined) return 'there is no c++ here'
  return doctest === undefined ? 'doctest/doctest.h is not installed (Debian: doctest-dev)' : undefined
}

const reason = whyNot()
let results = new Map<string, string>()

describe('the filter on system calls', () => {
  beforeAll(() => {
    if (reason !== undefined) return
    const { stderr, status } = spawnSync('c++', [...nativeTestFlags, '-Wall', '-Wextra', '-o', program, ...sources], { encoding: 'utf8' })
    expect(stderr).toBe('')
    expect(status).toBe(0)
    results = runCases(program)
  }, 120_000)

  // promise: 36
  test.for(cases)('%s', (name, context) => {
    if (reason !== undefined) return context.skip(reason)
    expect(results.get(name)).toBe('')
  })

  test('each case is known by its name', (context) => {
    if (reason !== undefined) return context.skip(reason)
    expect([...results.keys()].toSorted()).toEqual(cases.toSorted())
  })

  // Headers older than the table know fewer calls.
  test.for([
    [1, ['/usr/include/x86_64-linux-gnu/asm/unistd_64.h', '/usr/include/asm/unistd_64.h']],
    [2, ['/usr/include/asm-generic/unistd.h']],
  ] as const)('has the numbers that the kernel’s own headers have (column %d)', ([column, places], context) => {
    if (reason !== undefined) return context.skip(reason)
    const header = places.find((place) => existsSync(place))
    if (header === undefined) return context.skip(`none of these headers is here: ${places.join(', ')}`)
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
