import { AsyncLocalStorage } from 'node:async_hooks'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'

import type { BuildProcess } from '../../src/command/build-process.ts'
import type { SpawnOptions } from '../../src/command/spawn-options.ts'
import { openSession, type Session } from '../../src/session/session.ts'
import { FakeAddon } from './fake-addon.ts'
import { fakePlan } from './fake-plan.ts'
import { nativeFailure } from './native-failure.ts'

const addon = new FakeAddon()
vi.mock('../../src/native/load.ts', () => ({ binding: () => addon }))
let session: Session
beforeEach(async () => {
  addon.reset()
  session = await openSession(fakePlan)
})

const ignored = { stdio: 'ignore' } as const

function heard(child: BuildProcess): string[] {
  const events: string[] = []
  child.on('spawn', () => events.push(`spawn ${child.pid}`))
  child.on('exit', (code, signal) => events.push(`exit ${code} ${signal}`))
  child.on('close', (code, signal) => events.push(`close ${code} ${signal}`))
  child.on('error', (error) => events.push(`error ${error.message}`))
  return events
}

describe('a spawned command is heard of in the order of a ChildProcess', () => {
  it.each(['at once', 'later'])('when it ends %s', async (when) => {
    addon.script.behaviour = ({ job }) => {
      if (when === 'later') setImmediate(() => addon.exit(job, { exitCode: 3 }))
      else addon.exit(job, { exitCode: 3 })
    }
    const child = session.spawn(['cc', '-v'], ignored)
    expect(child).toMatchObject({ exitCode: null, signalCode: null, pid: undefined, killed: false, connected: false })
    const events = heard(child)
    await vi.waitFor(() => expect(events.at(-1)).toBe('close 3 null'))
    expect(events).toEqual(['spawn 4711', 'exit 3 null', 'close 3 null'])
    expect(child).toMatchObject({ spawnfile: 'cc', spawnargs: ['cc', '-v'], exitCode: 3, signalCode: null, usage: { userUs: 1 } })
  })

  it('when it could not be started there is an error, then a close, and no exit', async () => {
    addon.script.launchFailure = nativeFailure()
    const child = session.spawn(['cc'], ignored)
    const events = heard(child)
    await vi.waitFor(() => expect(events.at(-1)).toBe('close null null'))
    expect(events).toEqual([expect.stringMatching(/^error ENOENT: /), 'close null null'])
    expect([child.pid, child.exitCode, child.kill()]).toEqual([undefined, null, false])
  })

  it('when it was aborted before, as when it could not be started', async () => {
    const events = heard(session.spawn(['cc'], { signal: AbortSignal.abort() }))
    await vi.waitFor(() => expect(events.at(-1)).toBe('close null null'))
    expect(events).toEqual(['error The operation was aborted', 'close null null'])
    expect(addon.launched).toEqual([])
  })

  it('when a file could not be written to there is an error before its exit', async () => {
    const outputFailure = nativeFailure({ code: 'ENOSPC', syscall: 'write', step: 'stdio' })
    addon.script.behaviour = ({ job }) => addon.exit(job, { signal: 'SIGKILL', outputFailure })
    const events = heard(session.spawn(['cc'], { stdio: ['ignore', { file: '/var/log/x' }, 'ignore'] }))
    await vi.waitFor(() => expect(events.at(-1)).toBe('close null SIGKILL'))
    expect(events).toEqual(['spawn 4711', expect.stringMatching(/^error ENOSPC: /), 'exit null SIGKILL', 'close null SIGKILL'])
  })
})

describe('the listeners of a spawned command', () => {
  it('are called where it was begun', async () => {
    const place = new AsyncLocalStorage<string>()
    const found: (string | undefined)[] = []
    const child = place.run('begun here', () => session.spawn(['cc'], ignored))
    for (const name of ['spawn', 'exit', 'close'] as const) child.on(name, () => found.push(place.getStore()))
    await vi.waitFor(() => expect(found).toEqual(['begun here', 'begun here', 'begun here']))
  })

  it('end the program by what they throw, and hear the rest where it goes on', async () => {
    const thrown: unknown[] = []
    const others = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException').on('uncaughtException', (error) => thrown.push(error))
    onTestFinished(() => {
      process.removeAllListeners('uncaughtException')
      for (const other of others) process.on('uncaughtException', other)
    })
    const child = session.spawn(['cc'], ignored)
    for (const name of ['spawn', 'exit'] as const) {
      child.on(name, () => {
        throw new Error(name)
      })
    }
    const events = heard(child)
    await vi.waitFor(() => expect(events).toEqual(['close 0 null']))
    expect(thrown).toEqual([new Error('spawn'), new Error('exit')])
  })
})

describe('the streams of a spawned command', () => {
  const kinds = (): number[] | undefined => addon.launched.at(-1)?.stdio.map(({ kind }) => kind)

  it.each<[NonNullable<SpawnOptions['stdio']>, number[]]>([
    ['ignore', [2, 2, 2]],
    ['inherit', [1, 1, 1]],
    [['ignore', 'inherit', { file: '/var/log/x' }], [2, 1, 3]],
  ])('are, with %j, none', async (stdio, expected) => {
    const child = session.spawn(['cc'], { stdio })
    expect(kinds()).toEqual(expected)
    expect(child.stdio).toEqual([null, null, null])
    await vi.waitFor(() => expect(child.exitCode).toBe(0))
  })

  it.each<[SpawnOptions]>([[{}], [{ stdio: 'pipe' }], [{ stdio: [] }], [{ stdio: [undefined, 'pipe'] }]])('are, with %j, three', async (options) => {
    const child = session.spawn(['cc'], options)
    expect(child.stdio).toEqual([child.stdin, child.stdout, child.stderr])
    expect(child.stdio.every((stream) => stream !== null)).toBe(true)
    child.unref()
    child.ref()
    await new Promise((resolve) => child.once('close', resolve))
    expect(child.exitCode).toBe(0)
  })
})

describe('what cannot be spawned is refused before anything is launched', () => {
  it.each<[string, readonly string[], unknown, RegExp]>([
    ['no command', [], {}, /command/],
    ['a variable name with =', ['true'], { env: { 'A=B': 'x' } }, /env\.A=B/],
    ['a relative working directory', ['true'], { cwd: 'src' }, /cwd/],
    ['a fourth descriptor', ['true'], { stdio: ['pipe', 'pipe', 'pipe', 'pipe'] }, /stdio: has more than three/],
    ['a word that is none', ['true'], { stdio: 'capture' }, /stdio: must be/],
    ['a number of a descriptor', ['true'], { stdio: [0, 1, 2] }, /stdio\[0\]: must be/],
    ['an option of run', ['true'], { input: 'x' }, /input: is not an option/],
    ['a killSignal that is none', ['true'], { killSignal: 'SIGFOO' }, /killSignal: SIGFOO/],
    ['a timeout beyond what a timer can count', ['true'], { timeout: 2 ** 31 }, /timeout/],
  ])('%s', (_what, command, options, message) => {
    expect(() => session.spawn(command, options as SpawnOptions)).toThrow(message)
    expect(addon.launched).toEqual([])
  })
})

describe('a spawned command that is to stop', () => {
  it('gets the signal itself, by name or number, and is not killed by one that there is not', async () => {
    addon.script.behaviour = () => {}
    const child = session.spawn(['sleep', '9'], ignored)
    for (const signal of ['SIGFOO', -1, 1.5, 1000, 'term'] as unknown as NodeJS.Signals[]) {
      expect(() => child.kill(signal)).toThrow(expect.objectContaining({ code: 'ERR_BUILDJAIL_INVALID_COMMAND', entry: 'signal' }))
    }
    expect([child.killed, child.kill(0), child.killed]).toEqual([false, true, false])
    expect([child.kill(), child.kill('SIGUSR1'), child.kill(9), child.killed]).toEqual([true, true, true, true])
    expect(addon.acts).toEqual(['open', 'launch', 'SIGTERM group', 'SIGUSR1 group', '9 group'])
  })

  it('is ended with all that it started after its timeout', async () => {
    addon.script.behaviour = () => {}
    const child = session.spawn(['sleep', '9'], { ...ignored, timeout: 5, killSignal: 'SIGINT', forceKillAfterDelay: 5 })
    const events = heard(child)
    await vi.waitFor(() => expect(addon.acts).toEqual(['open', 'launch', 'SIGINT tree', 'SIGKILL tree']))
    addon.exit(addon.launched[0]?.job ?? -1, { signal: 'SIGKILL' })
    await vi.waitFor(() => expect(events).toEqual(['spawn 4711', 'exit null SIGKILL', 'close null SIGKILL']))
  })

  it('is ended with all that it started on abort, and the error is an AbortError', async () => {
    addon.script.behaviour = () => {}
    const controller = new AbortController()
    const child = session.spawn(['sleep', '9'], { ...ignored, signal: controller.signal })
    const failed = new Promise<Error>((resolve) => child.once('error', resolve))
    controller.abort('enough')
    expect(await failed).toMatchObject({ name: 'AbortError', code: 'ABORT_ERR', cause: 'enough' })
    expect(addon.acts).toEqual(['open', 'launch', 'SIGTERM tree'])
    addon.exit(addon.launched[0]?.job ?? -1, { signal: 'SIGTERM' })
    await vi.waitFor(() => expect(child.signalCode).toBe('SIGTERM'))
  })

  it('aborted before, is not started', async () => {
    const child = session.spawn(['sleep', '9'], { signal: AbortSignal.abort() })
    const failed = new Promise<Error>((resolve) => child.once('error', resolve))
    expect(await failed).toMatchObject({ name: 'AbortError' })
    expect([addon.launched, child.stdio]).toEqual([[], [null, null, null]])
  })

  it('is killed where it goes out of scope', () => {
    addon.script.behaviour = () => {}
    session.spawn(['sleep', '9'], ignored)[Symbol.dispose]()
    expect(addon.acts).toEqual(['open', 'launch', 'SIGTERM group'])
  })
})
