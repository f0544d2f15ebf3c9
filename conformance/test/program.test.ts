import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { describeFreebsd } from '../../test/freebsd/guest.ts'
import type { Report } from '../src/report.ts'
import { hostState } from './host-state.ts'

const program = fileURLToPath(new URL('../dist/main.js', import.meta.url))

describeFreebsd('buildjail-conformance', () => {
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync('/tmp/conformance-test-')
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const run = (...words: string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string } =>
    spawnSync(process.execPath, [program, ...words], { encoding: 'utf8', cwd: folder })

  test('it prints the known deviations of a kernel, and writes a page', () => {
    const page = path.join(folder, 'page.html')
    const { status, stdout, stderr } = run('--only', 'defaults ip4', '--page', page)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toMatch(/known deviation: defaults\/ip4-addr-implies-new: .*\n {2}expected: .*\n {2}seen: .*\n {2}because: /)
    expect(stdout).toMatch(/\d+ of \d+ cases conform, 1 deviation is known, 0 not; 0 not looked at\n$/)
    expect(readFileSync(page, 'utf8')).toContain('ip4.addr implies ip4 new')
  })

  test('with --json it prints a report and nothing else', () => {
    const { status, stdout } = run('--only', 'set-flags/no', '--json')
    const { kernel, groups } = JSON.parse(stdout) as Report
    expect(status).toBe(0)
    expect(kernel.osreldate).toBeGreaterThan(1_400_000)
    expect(groups.flatMap(({ outcomes }) => outcomes)).toContainEqual(expect.objectContaining({ id: 'set-flags/no-operation', verdict: 'conforms' }))
  })

  test('nothing is left of one that is killed', async () => {
    const before = hostState()
    const suite = spawn(process.execPath, [program, '--only', 'nesting'], { stdio: 'ignore' })
    const ended = once(suite, 'exit')
    await expect.poll(() => (hostState() as { readonly jails: readonly string[] }).jails.some((name) => name.startsWith(`conformance-${suite.pid}`)), { timeout: 30_000, interval: 5 }).toBe(true)
    suite.kill('SIGKILL')
    await ended
    await expect.poll(hostState, { timeout: 20_000 }).toEqual(before)
  })
})
