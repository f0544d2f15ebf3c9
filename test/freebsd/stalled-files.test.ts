import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'

import { openSession, TeardownError, type Session } from '../../src/index.ts'
import { armed, attack, said } from '../session/attacks/attack.ts'
import { expectSameState, hostState } from '../session/host-state.ts'
import { probe } from '../probe/compiled-probe.ts'
import { describeFreebsd } from './guest.ts'

const describeProbed = 'folder' in probe ? describeFreebsd : describeFreebsd.skip
const minutes = 60_000

const failureOf = (session: Session): Promise<unknown> =>
  session.close().then(
    () => undefined,
    (error: unknown) => error,
  )

/** Milliseconds until the host has executed a program. */
function startOnHost(): number {
  const start = performance.now()
  expect(spawnSync('/usr/bin/true').status).toBe(0)
  return performance.now() - start
}

// On a file system of its own, of a disk that takes little memory (mdconfig(8), compress).
describeProbed('a read of an output that no signal ends', () => {
  let top = ''
  let device = ''
  let output = ''
  const run = (file: string, ...args: string[]): string => execFileSync(file, args, { encoding: 'utf8', stdio: 'pipe' }).trim()

  beforeEach(() => {
    top = mkdtempSync(path.join(tmpdir(), 'buildjail-stalled-'))
    device = run('mdconfig', '-a', '-t', 'malloc', '-o', 'compress', '-S', '4096', '-s', '40g')
    run('newfs', '-i', '1048576', `/dev/${device}`)
    run('mount', `/dev/${device}`, top)
    output = path.join(top, 'output')
    mkdirSync(output)
  })
  afterEach(() => {
    spawnSync('umount', ['-f', top])
    spawnSync('mdconfig', ['-d', '-u', device])
    rmSync(top, { recursive: true, force: true })
  })

  // unmount(2) waits for who has a file, and close would wait with it: an allocation is only ended where nobody reads.
  // promise: 18
  test('by a daemon of the kernel, beside posix_fallocate(2): close rejects all the same, and takes all away once both have ended', { timeout: 10 * minutes }, async () => {
    const before = await hostState()
    const session = await openSession(armed({ output }))
    const reader = session.spawn(attack('stalled', 'daemon', '/output/holes', '60'))
    await said(reader, 'begins')
    const allocating = session.spawn(attack('endless', 'allocate', '/output/file', '36'))
    await said(allocating, 'begins')
    const start = performance.now()
    const error = await failureOf(session)
    const took = performance.now() - start
    console.log(`a read by aio(4): close rejected after ${took.toFixed(0)} ms`)
    expect(error).toBeInstanceOf(TeardownError)
    expect(took).toBeLessThan(30_000)
    await expect.poll(() => failureOf(session), { timeout: 8 * minutes }).toBeUndefined()
    await expectSameState(before)
  })

  // promise: 18
  test('holds up the launch of a command that is that file, and neither the timeouts of others nor, for long, close, which names it', { timeout: 10 * minutes }, async () => {
    const before = await hostState()
    const session = await openSession(armed({ output }))
    await said(session.spawn(attack('stalled', 'starts', '/output/holes', '60', '1')), 'begins')
    const late = session.run(['sleep', '1000'], { timeout: 3000, reject: false })
    await sleep(1000)
    const stalled = session.run(['/output/holes'], { reject: false }).catch((error: unknown) => error)
    await sleep(500)
    const start = performance.now()
    const passed = (): number => performance.now() - start
    expect((await late).timedOut).toBe(true)
    await session.usage()
    await session.killAll()
    console.log(`beside a stalled launch: a timeout, a look and a kill took ${passed().toFixed(0)} ms`)
    expect(passed()).toBeLessThan(15_000)
    const error = await failureOf(session)
    console.log(`beside a stalled launch: close rejected after ${passed().toFixed(0)} ms`)
    expect(error).toBeInstanceOf(TeardownError)
    expect((error as TeardownError).errors).toMatchObject([{ code: 'ETIMEDOUT', step: 'reap' }])
    expect(passed()).toBeLessThan(40_000)
    await expect.poll(() => failureOf(session), { timeout: 8 * minutes }).toBeUndefined()
    await stalled
    await expectSameState(before)
  })

  // Not to be helped (docs/security.md), but by a bound of what one call reads.
  test('holds up every program of the host that is to start, while others execute that file; unless fileSize bounds it', { timeout: 10 * minutes }, async () => {
    const before = await hostState()
    const quiet = startOnHost()
    const session = await openSession(armed({ output }))
    await said(session.spawn(attack('stalled', 'starts', '/output/holes', '20', '32')), 'begins')
    const stalled = startOnHost()
    console.log(`execve(2): ${quiet.toFixed(0)} ms, and ${stalled.toFixed(0)} ms beside the attack`)
    expect(stalled).toBeGreaterThan(quiet + 2000)
    await expect.poll(() => failureOf(session), { timeout: 8 * minutes }).toBeUndefined()
    await expectSameState(before)
    await using bound = await openSession(armed({ output, limits: { fileSize: '64M' } }))
    expect((await bound.run(attack('stalled', 'starts', '/output/more', '20', '32'), { reject: false })).stdout).not.toContain('begins')
  })

  test('holds up the close of other sessions while the list of shared memory is read into that file', { timeout: 10 * minutes }, async () => {
    const before = await hostState()
    const session = await openSession(armed({ output }))
    const neighbours = [await openSession({}), await openSession({})] as const
    const closed = async (one: Session): Promise<number> => {
      const start = performance.now()
      await one.close()
      return performance.now() - start
    }
    const quiet = await closed(neighbours[0])
    await said(session.spawn(attack('stalled', 'names', '/output/holes', '20')), 'begins')
    const stalled = await closed(neighbours[1])
    console.log(`close: ${quiet.toFixed(0)} ms, and ${stalled.toFixed(0)} ms beside the attack`)
    expect(stalled).toBeGreaterThan(quiet + 2000)
    await expect.poll(() => failureOf(session), { timeout: 8 * minutes }).toBeUndefined()
    await expectSameState(before)
  })
})
