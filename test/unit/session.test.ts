import { readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { build, BuildTeardownError } from '../../src/session/build.ts'
import type { BuildProcess } from '../../src/command/build-process.ts'
import { SystemCallError, TeardownError, type NativeFailure } from '../../src/errors.ts'
import { planOf, type Plan } from '../../src/spec/plan.ts'
import { CommandError } from '../../src/command/run.ts'
import type { RunOptions } from '../../src/command/run-options.ts'
import { openSession, type SpawnOptions } from '../../src/session/session.ts'
import { checkSignal } from '../../src/command/signal.ts'
import { FakeAddon } from './fake-addon.ts'

const addon = new FakeAddon()
vi.mock('../../src/native/load.ts', () => ({ binding: () => addon }))
beforeEach(() => addon.reset())
afterEach(() => vi.unstubAllEnvs())

const platform = process.platform === 'freebsd' ? 'freebsd' : 'linux'
const another = platform === 'freebsd' ? 'linux' : 'freebsd'
const spec = { toolchain: 'none', env: { A: 'session' } } as const
const plan: Plan = planOf(spec, { platform })
// A plan opens sessions on the system that it was made for only: on a third system, this file takes itself to be on Linux.
Object.defineProperty(process, 'platform', { value: platform })

const failure = (more: Partial<NativeFailure> = {}): NativeFailure => ({
  code: 'ENOENT',
  errno: -2,
  syscall: 'execve',
  step: 'execve',
  reason: 'no such file or directory',
  ...more,
})

const rejection = async (promise: Promise<unknown>): Promise<unknown> => {
  return promise.then(
    () => {
      throw new Error('nothing was refused')
    },
    (error: unknown) => error,
  )
}

describe('a command that ran is told as it went', () => {
  it('in the words of a result', async () => {
    addon.script.behaviour = ({ run }) => addon.exit(run, { exitCode: 0, stdout: Buffer.from('hellö\n'), stderr: Buffer.from('') })
    const session = await openSession(plan)
    const result = await session.run(['echo', 'two words'])
    expect(result).toEqual({
      command: "echo 'two words'",
      exitCode: 0,
      signal: undefined,
      stdout: 'hellö\n',
      stderr: '',
      durationMs: expect.any(Number) as number,
      timedOut: false,
      isCanceled: false,
      isMaxBuffer: false,
      usage: { userUs: 1, systemUs: 2, maxRssBytes: 3 },
    })
  })

  it('also when it ended before we heard that it had started', async () => {
    const session = await openSession(plan)
    const started = session.run(['true'])
    const [launch] = addon.launched
    addon.exit(launch?.run ?? -1, { exitCode: 3 })
    expect(await rejection(started)).toMatchObject({ result: { exitCode: 3 } })
  })

  it('unsuccessful ones reject with their result and what they said last, unless that is not wanted', async () => {
    addon.script.behaviour = ({ run }) => addon.exit(run, { exitCode: 2, stderr: Buffer.from('no such thing\n') })
    const session = await openSession(plan)
    const error = await rejection(session.run(['cc']))
    expect(error).toBeInstanceOf(CommandError)
    expect(error).toMatchObject({
      code: 'ERR_BUILDJAIL_COMMAND_FAILED',
      message: 'cc: failed with exit code 2\nno such thing',
      result: { exitCode: 2, stderr: 'no such thing\n' },
    })
    await expect(session.run(['cc'], { reject: false })).resolves.toMatchObject({ exitCode: 2 })
  })

  it('one ended by a signal has no exit code', async () => {
    addon.script.behaviour = ({ run }) => addon.exit(run, { signal: 'SIGSEGV' })
    const session = await openSession(plan)
    expect(await rejection(session.run(['cc']))).toMatchObject({
      message: 'cc: was ended by SIGSEGV',
      result: { exitCode: undefined, signal: 'SIGSEGV' },
    })
  })

  it('one that wrote too much rejects, with what there is of it, unless that is not wanted', async () => {
    addon.script.behaviour = ({ run }) => addon.exit(run, { signal: 'SIGKILL', isMaxBuffer: true, stdout: Buffer.from('yyy') })
    const session = await openSession(plan)
    expect(await rejection(session.run(['yes'], { maxBuffer: 3 }))).toMatchObject({
      code: 'ERR_BUILDJAIL_MAX_BUFFER',
      message: 'yes: wrote more than 3 bytes',
      result: { stdout: 'yyy' },
    })
    expect(addon.launched[0]?.maxBuffer).toBe(3n)
    expect(await session.run(['yes'], { maxBuffer: 3, reject: false })).toMatchObject({ isMaxBuffer: true, stdout: 'yyy', signal: 'SIGKILL' })
  })
})

describe('a spawned command is heard of in the order of a ChildProcess', () => {
  const ignored = { stdio: ['ignore', 'ignore', 'ignore'] } as const

  function heard(child: BuildProcess): string[] {
    const events: string[] = []
    child.on('spawn', () => events.push(`spawn ${child.pid}`))
    child.on('exit', (code, signal) => events.push(`exit ${code} ${signal}`))
    child.on('close', (code, signal) => events.push(`close ${code} ${signal}`))
    child.on('error', (error) => events.push(`error ${error.message}`))
    return events
  }

  it.each(['before', 'after'])('when it ends %s we hear that it had started', async (when) => {
    addon.script.behaviour = ({ run }) => {
      if (when === 'after') setImmediate(() => addon.exit(run, { exitCode: 3 }))
    }
    const session = await openSession(plan)
    const child = session.spawn(['cc', '-v'], ignored)
    const events = heard(child)
    if (when === 'before') addon.exit(addon.launched[0]?.run ?? -1, { exitCode: 3 })
    await vi.waitFor(() => expect(events.at(-1)).toBe('close 3 null'))
    expect(events).toEqual(['spawn 4711', 'exit 3 null', 'close 3 null'])
    expect(child).toMatchObject({ spawnfile: 'cc', spawnargs: ['cc', '-v'], exitCode: 3, signalCode: null, usage: { userUs: 1 } })
  })

  it('when it could not be started there is an error and no exit', async () => {
    addon.script.launchFailure = failure()
    const session = await openSession(plan)
    const child = session.spawn(['cc'], ignored)
    const events = heard(child)
    await vi.waitFor(() => expect(events).toHaveLength(1))
    expect(events[0]).toMatch(/^error ENOENT: /)
    expect(child.pid).toBe(undefined)
  })
})

describe('a command gets what was asked for and nothing of ours', () => {
  it("the session's environment and directory, and its own before them", async () => {
    vi.stubEnv('OF_THE_CALLER', 'secret')
    const session = await openSession(plan)
    await session.run(['true'])
    await session.run(['true'], { env: { A: 'run', B: '' }, cwd: '/output' })
    expect(addon.launched[0]).toMatchObject({ argv: ['true'], cwd: '/tmp' })
    expect(addon.launched[0]?.env).toContain('A=session')
    expect(addon.launched[1]?.env).toEqual(expect.arrayContaining(['A=run', 'B=']))
    expect(addon.launched[1]?.env).not.toContain('A=session')
    expect(addon.launched[1]?.cwd).toBe('/output')
    expect(addon.launched.flatMap(({ env }) => env).join()).not.toContain('OF_THE_CALLER')
  })

  it('stdin is empty and the output is collected, unless said otherwise', async () => {
    const session = await openSession(plan)
    await session.run(['true'])
    await session.run(['true'], { stdin: 'inherit', stdout: 'inherit', stderr: { file: '/var/log/x' } })
    const [ignore, capture, inherit, file] = [2, 4, 1, 3]
    expect(addon.launched[0]?.stdio.map(({ kind }) => kind)).toEqual([ignore, capture, capture])
    expect(addon.launched[1]?.stdio).toEqual([{ kind: inherit, path: '' }, { kind: inherit, path: '' }, { kind: file, path: '/var/log/x' }])
  })
})

describe('what cannot be run is refused before anything is launched', () => {
  it.each<[string, RunOptions, entry: string]>([
    ['a timeout beyond what a timer can count, which would fire at once', { timeout: 2 ** 31 }, 'timeout'],
    ['a negative timeout', { timeout: -1 }, 'timeout'],
    ['a timeout that is no number', { timeout: Number.NaN }, 'timeout'],
    ['a delay beyond what a timer can count', { forceKillAfterDelay: 2 ** 31 }, 'forceKillAfterDelay'],
    ['half a byte of output', { maxBuffer: 1.5 }, 'maxBuffer'],
    ['output without bound', { maxBuffer: Infinity }, 'maxBuffer'],
    ['more output than a string can hold', { maxBuffer: 2 ** 40 }, 'maxBuffer'],
    ['a number as input', { input: 42 } as unknown as RunOptions, 'input'],
    ['a stream as input that is over', { input: Readable.from([]).destroy() }, 'input'],
    ['stdin from two places', { input: 'x', stdin: 'inherit' }, 'stdin'],
    ['a stdin that nobody writes to', { stdin: 'pipe' } as unknown as RunOptions, 'stdin'],
    ['a signal that is none', { signal: {} as AbortSignal }, 'signal'],
    ['an option of another package', { workingDirectory: '/tmp' } as RunOptions, 'workingDirectory'],
    ['no options at all', null as unknown as RunOptions, 'options'],
    ['a reject that is neither', { reject: 0 } as unknown as RunOptions, 'reject'],
    ['a variable name with =', { env: { 'A=B': 'x' } }, 'env.A=B'],
    ['a relative working directory', { cwd: 'src' }, 'cwd'],
    ['a file without a name as stdout', { stdout: { file: '' } }, 'stdout'],
  ])('%s', async (_what, options, entry) => {
    const session = await openSession(plan)
    expect(await rejection(session.run(['true'], options))).toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_COMMAND', entry })
    expect(addon.launched).toEqual([])
  })

  it('by spawn as by run', async () => {
    const session = await openSession(plan)
    expect(() => session.spawn(['true'], { env: { 'A=B': 'x' } })).toThrow(/env\.A=B/)
    expect(() => session.spawn(['true'], { cwd: 'src' })).toThrow(/cwd/)
    expect(() => session.spawn([])).toThrow(/command/)
    expect(() => session.spawn(['true'], { signal: AbortSignal.abort() } as SpawnOptions)).toThrow(/signal: is not an option/)
    expect(addon.launched).toEqual([])
  })

  it('a missing program is the typed error of execve', async () => {
    addon.script.launchFailure = failure({ path: '/bin/cc' })
    const session = await openSession(plan)
    const error = await rejection(session.run(['cc']))
    expect(error).toBeInstanceOf(SystemCallError)
    expect(error).toMatchObject({ code: 'ENOENT', errno: -2, syscall: 'execve', step: 'execve', path: '/bin/cc' })
  })
})

describe('a command that is to stop is stopped', () => {
  it('on timeout every process of the session is killed', async () => {
    addon.script.behaviour = () => {}
    const session = await openSession(plan)
    // Long enough for the command to have been started, also on an emulated machine: else it is killed once more when it is.
    const result = await session.run(['sleep', '9'], { timeout: 300, reject: false })
    expect(result).toMatchObject({ timedOut: true, isCanceled: false, signal: 'SIGKILL' })
    expect(addon.acts).toEqual(['open', 'launch', 'kill all'])
    expect(await rejection(session.run(['sleep', '9'], { timeout: 5 }))).toMatchObject({ message: 'sleep 9: timed out after 5 ms' })
  })

  it('on abort it is asked first and killed after the delay', async () => {
    addon.script.behaviour = () => {}
    const controller = new AbortController()
    const session = await openSession(plan)
    const running = session.run(['sleep', '9'], { signal: controller.signal, forceKillAfterDelay: 5 })
    await vi.waitFor(() => expect(addon.acts).toContain('launch'))
    await new Promise((resolve) => setImmediate(resolve))
    controller.abort(new Error('enough'))
    await vi.waitFor(() => expect(addon.acts).toContain('SIGKILL'))
    expect(addon.acts).toEqual(['open', 'launch', 'SIGTERM', 'SIGKILL'])
    addon.exit(addon.launched[0]?.run ?? -1, { signal: 'SIGKILL' })
    expect(await rejection(running)).toMatchObject({ message: 'sleep 9: was canceled', cause: { message: 'enough' }, result: { isCanceled: true } })
  })

  it('aborted while it is being launched, it gets the signal once it is there', async () => {
    addon.script.behaviour = ({ run }) => setTimeout(() => addon.exit(run, { signal: 'SIGTERM' }), 5)
    const controller = new AbortController()
    const session = await openSession(plan)
    const running = session.run(['sleep', '9'], { signal: controller.signal, reject: false })
    controller.abort()
    expect(await running).toMatchObject({ isCanceled: true })
    expect(addon.acts).toEqual(['open', 'launch', 'SIGTERM'])
  })

  it('aborted, and the delay over, while it is being launched, it is asked and killed all the same', async () => {
    let launched = (): void => {}
    addon.script.launching = () => new Promise<void>((resolve) => (launched = resolve))
    addon.script.behaviour = () => {}
    const session = await openSession(plan)
    const running = session.run(['sleep', '9'], { signal: AbortSignal.timeout(1), forceKillAfterDelay: 1, reject: false })
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(addon.acts).toEqual(['open', 'launch'])
    launched()
    await vi.waitFor(() => expect(addon.acts).toEqual(['open', 'launch', 'SIGTERM', 'SIGKILL']))
    addon.exit(addon.launched[0]?.run ?? -1, { signal: 'SIGKILL' })
    expect(await running).toMatchObject({ isCanceled: true })
  })

  it('timed out while it is being launched, it is killed once it is there', async () => {
    let launched = (): void => {}
    addon.script.launching = () => new Promise<void>((resolve) => (launched = resolve))
    addon.script.behaviour = () => {}
    addon.script.isKilled = () => addon.acts.filter((act) => act === 'kill all').length > 1
    const session = await openSession(plan)
    const running = session.run(['sleep', '9'], { timeout: 1, reject: false })
    await vi.waitFor(() => expect(addon.acts).toContain('kill all'))
    launched()
    expect(await running).toMatchObject({ timedOut: true, signal: 'SIGKILL' })
  })

  it('a timeout of 0 is none', async () => {
    addon.script.behaviour = ({ run }) => setTimeout(() => addon.exit(run), 20)
    const session = await openSession(plan)
    expect(await session.run(['sleep', '9'], { timeout: 0 })).toMatchObject({ timedOut: false, exitCode: 0 })
  })

  it('by a signal that there is, or not at all', async () => {
    addon.script.behaviour = () => {}
    const session = await openSession(plan)
    const child = session.spawn(['sleep', '9'], { stdio: ['ignore', 'ignore', 'ignore'] })
    for (const signal of ['SIGFOO', 9, 'term'] as unknown as NodeJS.Signals[]) {
      expect(() => child.kill(signal)).toThrow(expect.objectContaining({ code: 'ERR_BUILDJAIL_INVALID_COMMAND', entry: 'signal' }))
    }
    expect(child.killed).toBe(false)
  })

  it('by any signal that native code knows, and by no other', () => {
    const native = readFileSync(new URL('../../native/base/signal_name.cc', import.meta.url), 'utf8').matchAll(/BUILDJAIL_SIGNAL\((SIG\w+)\)/g)
    const known = [...native].map(([, name]) => name as NodeJS.Signals)
    expect(known.length).toBeGreaterThan(20)
    for (const name of known) expect(() => checkSignal(name)).not.toThrow()
    for (const name of ['SIGPWR', 'SIGSTKFLT', 'SIGINFO'] as const) expect(() => checkSignal(name)).toThrow(/signal/)
  })

  it('aborted before, it is not launched', async () => {
    const session = await openSession(plan)
    expect(await rejection(session.run(['true'], { signal: AbortSignal.abort(new Error('enough')) }))).toMatchObject({ message: 'enough' })
    expect(addon.launched).toEqual([])
  })
})

describe('a session is opened as planned, and closed once', () => {
  it('a plan of another system is refused', async () => {
    expect(await rejection(openSession(planOf(spec, { platform: another })))).toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_SPEC', entry: 'platform' })
    expect(addon.acts).toEqual([])
  })

  it.each([
    ['came back from JSON', (): Plan => JSON.parse(JSON.stringify(plan)) as Plan],
    ['was copied', (): Plan => ({ ...plan })],
    ['was written by hand', (): Plan => ({ ...plan, user: { uid: 0, gid: 0, groups: [] } })],
    ['inherits from one', (): Plan => Object.create(plan, { version: { value: 1, enumerable: true } }) as Plan],
  ])('a plan that %s is refused, and nothing is opened', async (_how, make) => {
    expect(await rejection(openSession(make()))).toMatchObject({
      code: 'ERR_BUILDJAIL_INVALID_SPEC',
      message: expect.stringContaining('cannot be copied or parsed back from JSON') as string,
    })
    expect(addon.acts).toEqual([])
  })

  it('sessions of one plan are told apart', async () => {
    const [one, two] = [await openSession(plan), await openSession(plan)]
    expect(one.id).toMatch(/^[0-9a-f]{16}$/)
    expect(one.id).not.toBe(two.id)
  })

  it('what the kernel refused is a typed error', async () => {
    addon.script.openFailure = failure({ code: 'EPERM', errno: -1, syscall: 'jail_set', step: 'jail_set', detail: 'no more jails' })
    const error = await rejection(openSession(plan))
    expect(error).toBeInstanceOf(SystemCallError)
    expect(error).toMatchObject({ code: 'EPERM', step: 'jail_set', detail: 'no more jails' })
  })

  it('called twice and from two places, closing happens once', async () => {
    const session = await openSession(plan)
    await Promise.all([session.close(), session.close(), session[Symbol.asyncDispose]()])
    await session.close()
    expect(addon.acts).toEqual(['open', 'close'])
  })

  it('the trace has what opening and closing did', async () => {
    const session = await openSession(plan)
    expect(session.trace).toEqual([{ step: 'tmpfs', path: '/root', ns: 1500 }])
    await session.close()
    expect(session.trace.map(({ step }) => step)).toEqual(['tmpfs', 'jail_remove'])
  })

  it('nothing is started in a closed session', async () => {
    const session = await openSession(plan)
    await session.close()
    const closed = { code: 'ERR_BUILDJAIL_SESSION_CLOSED' }
    expect(await rejection(session.run(['true']))).toMatchObject(closed)
    expect(await rejection(session.record())).toMatchObject(closed)
    expect(await rejection(session.killAll())).toMatchObject(closed)
    expect(() => session.spawn(['true'])).toThrow(/is closed/)
    expect(addon.acts).toEqual(['open', 'close'])
  })

  it('what is left behind is listed, one typed error a thing', async () => {
    addon.script.closeReport = { trace: [], failures: [failure({ code: 'EBUSY', step: 'unmount' }), failure({ step: 'rmdir' })] }
    const session = await openSession(plan)
    const error = await rejection(session.close())
    expect(error).toBeInstanceOf(TeardownError)
    expect(error).toMatchObject({ code: 'ERR_BUILDJAIL_TEARDOWN', id: session.id, errors: [{ code: 'EBUSY', step: 'unmount' }, { step: 'rmdir' }] })
  })

  it('what is left is tried again by closing again, until nothing is', async () => {
    const holders = [{ kind: 'cwd', pid: 812, command: 'vi' }] as const
    addon.script.closeReport = { trace: [{ step: 'jail_remove', ns: 5 }], failures: [failure({ code: 'EBUSY', step: 'unmount', holders })] }
    const session = await openSession(plan)
    const [one, other] = await Promise.all([rejection(session.close()), rejection(session.close())])
    expect(one).toBe(other)
    expect(one).toMatchObject({ errors: [{ code: 'EBUSY', holders }] })
    expect(await rejection(session.run(['true']))).toMatchObject({ code: 'ERR_BUILDJAIL_SESSION_CLOSED' })
    addon.script.closeReport = { trace: [{ step: 'unmount', ns: 7 }], failures: [] }
    await session.close()
    await session.close()
    expect(addon.acts).toEqual(['open', 'close', 'close'])
    expect(session.trace.map(({ step }) => step)).toEqual(['tmpfs', 'jail_remove', 'unmount'])
  })

  it('a failure of closing itself is typed as well', async () => {
    addon.script.closeFailure = failure({ syscall: 'open', step: 'close' })
    const session = await openSession(plan)
    expect(await rejection(session.close())).toBeInstanceOf(SystemCallError)
  })
})

describe('a one-shot build leaves nothing and loses no result', () => {
  it('closes after success, after failure and after a refusal', async () => {
    await expect(build(plan, ['true'])).resolves.toMatchObject({ exitCode: 0 })
    expect(addon.acts).toEqual(['open', 'launch', 'close'])
    addon.reset({ behaviour: ({ run }) => addon.exit(run, { exitCode: 1 }) })
    expect(await rejection(build(plan, ['false']))).toBeInstanceOf(CommandError)
    expect(addon.acts).toEqual(['open', 'launch', 'close'])
    addon.reset()
    expect(await rejection(build(plan, []))).toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_COMMAND' })
    expect(addon.acts).toEqual([])
  })

  it('a teardown that failed carries the result, of a success and of a failure', async () => {
    for (const exitCode of [0, 1]) {
      addon.reset({
        behaviour: ({ run }) => addon.exit(run, { exitCode }),
        closeReport: { trace: [], failures: [failure({ step: 'unmount' })] },
      })
      const error = await rejection(build(plan, ['cc']))
      expect(error).toBeInstanceOf(BuildTeardownError)
      expect(error).toMatchObject({ code: 'ERR_BUILDJAIL_TEARDOWN', result: { exitCode } })
      addon.script.closeReport = { trace: [], failures: [] }
      await (error as BuildTeardownError).session.close()
      expect(addon.acts).toEqual(['open', 'launch', 'close', 'close'])
    }
  })

  it('opens nothing when it was aborted before', async () => {
    expect(await rejection(build(plan, ['true'], { signal: AbortSignal.abort(new Error('enough')) }))).toMatchObject({ message: 'enough' })
    expect(addon.acts).toEqual([])
  })
})
