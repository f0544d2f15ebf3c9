import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { readyProgram } from '../probe/ready-programs.ts'
import { casesIn, runCases } from './doctest.ts'
import { compileNativeTests, doctest, nativeTestSources } from './sources.mjs'

const folder = mkdtempSync(path.join(tmpdir(), 'buildjail-native-test-'))
const ready = readyProgram('native_test')
const program = ready ?? path.join(folder, 'native_test')
const cases = casesIn(nativeTestSources().filter((source) => source.endsWith('_test.cc')))

function whyNot(): string | undefined {
  if (ready !== undefined) return undefined
  if (spawnSync('c++', ['--version']).error !== undefined) return 'there is no c++ here'
  return doctest === undefined ? 'doctest/doctest.h is not installed (Debian: doctest-dev)' : undefined
}

const reason = whyNot()
let results = new Map<string, string>()

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the rooms of no system, compiled without anything of Node', () => {
  beforeAll(async () => {
    if (reason !== undefined) return
    if (ready === undefined) {
      await compileNativeTests(program, async (...args) => {
        const { stderr } = await promisify(execFile)('c++', args)
        expect(stderr).toBe('')
      })
    }
    results = runCases(program)
  }, 600_000)

  test.for(cases)('%s', (name, context) => {
    if (reason !== undefined) return context.skip(reason)
    expect(results.get(name)).toBe('')
  })

  test('each case is known by its name', (context) => {
    if (reason !== undefined) return context.skip(reason)
    expect([...results.keys()].toSorted()).toEqual(cases.toSorted())
  })
})
