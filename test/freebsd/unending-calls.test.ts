import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'

import { openSession, TeardownError, type Session } from '../../src/index.ts'
import { armed, attack, hostProgram, onHost, said } from '../session/attacks/attack.ts'
import { useFolders } from '../session/folders.ts'
import { expectSameState, hostState } from '../session/host-state.ts'
import { probe } from '../probe/compiled-probe.ts'
import { describeFreebsd } from './guest.ts'

const describeProbed = 'folder' in probe ? describeFreebsd : describeFreebsd.skip
const minutes = 60_000

const rejection = (promise: Promise<void>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  )
const failureOf = (session: Session): Promise<unknown> => rejection(session.close())

describeProbed('a system call that no signal ends', () => {
  const folders = useFolders()

  // promise: 18
  test('is named with its process by close, which rejects; and closing again takes all away once it has ended', { timeout: 10 * minutes }, async () => {
    const before = await hostState()
    const session = await openSession(armed({ output: folders.output }))
    const command = session.spawn(attack('endless', 'read', '30'))
    await said(command, 'begins')
    const error = await failureOf(session)
    expect(error).toBeInstanceOf(TeardownError)
    const holder = { kind: 'process', pid: command.pid, command: 'endless', call: 'preadv' }
    expect((error as TeardownError).errors).toMatchObject([{ code: 'ETIMEDOUT', step: 'reap', holders: [holder] }])
    expect(String(error)).toContain(`pid ${command.pid} (endless): process in preadv(2)`)
    await expect.poll(() => failureOf(session), { timeout: 8 * minutes }).toBeUndefined()
    await expectSameState(before)
  })

  test('that moves so much is refused where debug.iosize_max_clamp is set, as doctor says', async () => {
    const set = (value: string): number | null => spawnSync('sysctl', [`debug.iosize_max_clamp=${value}`]).status
    const before = spawnSync('sysctl', ['-n', 'debug.iosize_max_clamp'], { encoding: 'utf8' }).stdout.trim()
    await using session = await openSession(armed())
    try {
      expect(set('1')).toBe(0)
      expect((await session.run(attack('endless', 'read', '600'))).stdout).toBe('begins\nEINVAL')
    } finally {
      set(before)
    }
  })

  const ends: readonly (readonly [how: string, end: (session: Session, abort: AbortController) => Promise<void>])[] = [
    ['the abort of its command', async (_, abort) => abort.abort()],
    ['killAll', (session) => session.killAll()],
    ['the end of its session', (session) => session.close()],
  ]
  // promise: 42
  test.each(ends)('does not save its process from %s, though SIGSTOP comes after SIGKILL', { timeout: 5 * minutes }, async (_, end) => {
    const abort = new AbortController()
    await using session = await openSession(armed({ output: folders.output }))
    // No second SIGKILL by a timer of this package.
    const command = session.spawn(attack('endless', 'read', '5'), { signal: abort.signal, killSignal: 'SIGKILL', forceKillAfterDelay: 2 * minutes })
    command.on('error', () => {})
    const exited = new Promise((resolve) => command.once('exit', resolve))
    await said(command, 'begins')
    const pid = command.pid as number
    // Without another SIGKILL the process stops as it leaves the call (tdsendsignal in sys/kern/kern_sig.c).
    const [file = '', ...args] = onHost('endless', 'stop', String(pid))
    const stopping = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(stopping.stdout, 'data')
    const stopped = text(stopping.stdout)
    const ended = rejection(end(session, abort))
    try {
      expect(await stopped).toBe('ok\n')
      // No expect.poll: under Bun vitest fails on the frames of what that says after so long (test/stack-frames.ts).
      await Promise.race([exited, sleep(minutes / 2, undefined, { ref: false })])
      expect(command.signalCode).toBe('SIGKILL')
      expect(await ended).toBeUndefined()
    } finally {
      if (command.signalCode === null) process.kill(pid, 'SIGKILL')
      await ended
    }
  })

  // promise: 19
  test('keeps the watcher of a killed host program waiting, for as long as it takes', { timeout: 10 * minutes }, async () => {
    const before = await hostState()
    const program = hostProgram(armed({ output: folders.output }), attack('endless', 'read', '120', '/output/begun'))
    await expect.poll(() => existsSync(path.join(folders.output, 'begun')), { timeout: 2 * minutes }).toBe(true)
    program.kill('SIGKILL')
    // Longer than the watcher waits for processes that end.
    await sleep(20_000)
    expect((await hostState()).mounts).not.toEqual(before.mounts)
    await expect.poll(async () => (await hostState()).mounts, { timeout: 4 * minutes, interval: 1000 }).toEqual(before.mounts)
    await expectSameState(before)
  })
})

/** A disk of zeros takes no memory (mdconfig(8), compress), and a file system on it has room for more than is allocated meanwhile. */
describeProbed('posix_fallocate(2) in an output, which no signal ends', () => {
  let top = ''
  let device = ''
  const run = (file: string, ...args: string[]): string => execFileSync(file, args, { encoding: 'utf8', stdio: 'pipe' }).trim()

  beforeEach(() => {
    top = mkdtempSync(path.join(tmpdir(), 'buildjail-unending-'))
    device = run('mdconfig', '-a', '-t', 'malloc', '-o', 'compress', '-S', '4096', '-s', '40g')
    run('newfs', '-i', '1048576', `/dev/${device}`)
    run('mount', `/dev/${device}`, top)
    mkdirSync(path.join(top, 'output'))
  })
  afterEach(() => {
    spawnSync('umount', ['-f', top])
    spawnSync('mdconfig', ['-d', '-u', device])
    rmSync(top, { recursive: true, force: true })
  })

  // promise: 18
  test('ends with its session, though it had gone on for long, and writes nothing more', { timeout: 10 * minutes }, async () => {
    const before = await hostState()
    const output = path.join(top, 'output')
    const session = await openSession(armed({ output }))
    const command = session.spawn(attack('endless', 'allocate', '/output/file', '36'))
    await said(command, 'begins')
    const start = performance.now()
    await session.close()
    console.log(`posix_fallocate(2): close took ${(performance.now() - start).toFixed(0)} ms`)
    expect(session.steps.map(({ step }) => step)).toContain('unmount-forced')
    const { size, uid } = statSync(path.join(output, 'file'))
    expect(uid).toBe(0)
    expect(size).toBeLessThan(36 * 2 ** 30)
    await sleep(3000)
    expect(statSync(path.join(output, 'file')).size).toBe(size)
    await expectSameState(before)
  })
})
