import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'

import { readyProgram } from '../probe/ready-programs.ts'
import { coreSources, coreTest } from './core-sources.mjs'

const folder = mkdtempSync(path.join(tmpdir(), 'buildjail-core-test-'))
const ready = readyProgram('core_test')
const program = ready ?? path.join(folder, 'core_test')

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const canBeRun = ready !== undefined || spawnSync('c++', ['--version']).error === undefined
if (!canBeRun) console.warn('skipped: what is of no system is not tested by itself, as there is no c++ here')

describe.skipIf(!canBeRun)('the rooms of no system', () => {
  test('holds on its own, compiled without anything of Node', { timeout: 300_000 }, () => {
    if (ready === undefined) {
      const compiled = spawnSync('c++', [...coreTest, '-o', program, ...coreSources()], { encoding: 'utf8' })
      expect(compiled.stderr).toBe('')
    }
    const { stdout, status } = spawnSync(program, { encoding: 'utf8' })
    const lines = stdout.trimEnd().split('\n')
    expect(lines.filter((line) => !line.startsWith('ok '))).toEqual([])
    expect(lines.length).toBeGreaterThan(20)
    expect(status).toBe(0)
  })
})
