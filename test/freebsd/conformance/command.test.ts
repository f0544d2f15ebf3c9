import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

import type { Report } from '../../../src/conformance/index.ts'
import { describeFreebsd } from '../guest.ts'
import { hostState } from './host-state.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const isBun = 'bun' in process.versions

/** The package as it is published, unpacked where npm would have it. */
function install(folder: string): string {
  const [program, ...words] = isBun ? [process.execPath, 'pm', 'pack', '--destination', folder] : ['npm', 'pack', '--pack-destination', folder]
  const { status, stdout, stderr } = spawnSync(program as string, [...words, '--ignore-scripts'], { cwd: root, encoding: 'utf8' })
  const [tarball] = readdirSync(folder).filter((name) => name.endsWith('.tgz'))
  if (tarball === undefined) throw new Error(`nothing was packed (${status}): ${stdout}${stderr}`)
  const place = path.join(folder, 'node_modules', 'buildjail')
  mkdirSync(place, { recursive: true })
  spawnSync('tar', ['-xf', path.join(folder, tarball), '-C', place, '--strip-components', '1'])
  return path.join(place, 'dist', 'cli', 'main.cjs')
}

describeFreebsd('buildjail conformance, from the package as it is published', () => {
  let folder = ''
  let cli = ''
  beforeAll(() => {
    folder = mkdtempSync('/tmp/installed-')
    cli = install(folder)
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const run = (...words: string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string } =>
    spawnSync(process.execPath, [cli, 'conformance', ...words], { encoding: 'utf8', cwd: folder })

  test('it tells what is known of a kernel, and writes a page', () => {
    expect(existsSync(cli)).toBe(true)
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

  test('words that no case has are refused', () => {
    expect(run('--only', 'no such words')).toMatchObject({ status: 125, stderr: 'buildjail: --only: no case has no and such and words in its name\n' })
  })

  test('of one that is killed nothing is left', async () => {
    const before = hostState()
    const suite = spawn(process.execPath, [cli, 'conformance', '--only', 'nesting'], { stdio: 'ignore' })
    const ended = once(suite, 'exit')
    await expect.poll(() => (hostState() as { readonly jails: readonly string[] }).jails.some((name) => name.startsWith(`conformance-${suite.pid}`)), { timeout: 30_000, interval: 5 }).toBe(true)
    suite.kill('SIGKILL')
    await ended
    await expect.poll(hostState, { timeout: 20_000 }).toEqual(before)
  })
})
