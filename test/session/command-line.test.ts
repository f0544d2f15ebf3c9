import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

import { useFolders } from './folders.ts'
import { expectSameState, hostState } from './host-state.ts'
import { describeSession, isFreebsd } from './kernel.ts'

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

describeSession('the command line', () => {
  const folders = useFolders()
  const buildjail = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(process.execPath, [main, ...args], { encoding: 'utf8', input: 'given on stdin\n' })

  test('is there, built', () => {
    expect(existsSync(main)).toBe(true)
  })

  test("runs a command with the caller's stdio and ends with its status", () => {
    const script = 'cat; cat /inputs/src/given.txt > /output/copy; echo err >&2; exit 7'
    const { status, stdout, stderr } = buildjail(
      'run', '--input', `src=${folders.input}`, '--output', folders.output, '--', 'sh', '-c', script,
    )
    expect([status, stdout, stderr]).toEqual([7, 'given on stdin\n', 'err\n'])
    expect(readFileSync(path.join(folders.output, 'copy'), 'utf8')).toBe('given\n')
  })

  test.each([
    ['a command that is not there', ['run', '--', 'no-such-command']],
    ['a source that is not there', ['run', '--input', 'src=/no/such/source', '--', 'true']],
    ['an option that is not known', ['run', '--no-such-option', '--', 'true']],
    ['no command at all', ['run']],
  ])('ends with 125 and one sentence for %s', (_, args) => {
    const { status, stdout, stderr } = buildjail(...args)
    expect([status, stdout]).toEqual([125, ''])
    expect(stderr).toMatch(/^buildjail: .+\n/)
  })

  test('tells in JSON how it went and how long each step took', () => {
    const { status, stdout } = buildjail('run', '--json', '--', 'sh', '-c', 'echo out')
    const { result, trace } = JSON.parse(stdout) as { result: { stdout: string; exitCode: number }; trace: { step: string; ns: number }[] }
    expect([status, result.stdout, result.exitCode]).toEqual([0, 'out', 0])
    expect(trace.length).toBeGreaterThan(0)
    expect(trace.every(({ step, ns }) => step !== '' && ns >= 0)).toBe(true)
  })

  test('writes down what the kernel says it built', () => {
    const file = path.join(folders.top, 'record.json')
    expect(buildjail('run', '--record', file, '--', 'true').status).toBe(0)
    const record = JSON.parse(readFileSync(file, 'utf8')) as { mounts: unknown[]; process: { uid: number }; jail?: { ip4: string } }
    expect(record.mounts.length).toBeGreaterThan(3)
    if (isFreebsd) expect([record.process.uid, record.jail?.ip4]).toEqual([35001, 'disable'])
  })

  test('prints a plan without making anything', async () => {
    const before = await hostState()
    const { status, stdout } = buildjail('plan', '--input', `src=${folders.input}`)
    expect(status).toBe(0)
    expect(stdout).toContain('/inputs/src')
    await expectSameState(before)
  })

  test('has a doctor that says what this suite has seen: sessions can be opened', async () => {
    const before = await hostState()
    const { status, stdout } = buildjail('doctor', '--json')
    expect([status, JSON.parse(stdout)]).toMatchObject([0, { isSupported: true, obstacles: [] }])
    await expectSameState(before)
  })

  test('leaves nothing when it is interrupted', async () => {
    const before = await hostState()
    const child = spawn(process.execPath, [main, 'run', '--output', folders.output, '--', 'sh', '-c', 'echo > /output/up; sleep 100'])
    const ended = new Promise((resolve) => child.once('exit', (code) => resolve(code)))
    await expect.poll(() => existsSync(path.join(folders.output, 'up')), { timeout: 20_000 }).toBe(true)
    child.kill('SIGINT')
    expect(await ended).toBe(130)
    await expectSameState(before)
  })
})
