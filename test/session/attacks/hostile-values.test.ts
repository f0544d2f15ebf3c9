import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'

import { expectSameButForIds, hostState } from '../host-state.ts'
import { describeSession } from '../kernel.ts'

/** An emulated processor is some thirty times slower. */
const cases = process.env['BUILDJAIL_IN_GUEST'] === undefined ? 100 : 20
const program = fileURLToPath(new URL('hostile-binding.mjs', import.meta.url))

describeSession('values of JavaScript that native code cannot take', () => {
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'buildjail-hostile-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  test('are refused by every function of the addon: nothing crashes, and nothing is left', { timeout: 600_000 }, async () => {
    const before = await hostState()
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, [program, String(cases), folder], { encoding: 'utf8' })
    expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' })
    const { refused, answered } = JSON.parse(stdout) as { readonly refused: number; readonly answered: number }
    expect(refused).toBeGreaterThan(cases * 10)
    expect(answered).toBeGreaterThan(0)
    expect(readdirSync(folder)).toEqual([])
    await expectSameButForIds(before)
  })
})
