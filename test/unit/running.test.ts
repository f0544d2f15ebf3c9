import { existsSync, readFileSync, readSync, rmSync, symlinkSync, writeFileSync, writeSync } from 'node:fs'
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'

import { CommandError } from '../../src/command/command-error.ts'
import { SystemCallError } from '../../src/errors.ts'
import { build } from '../../src/session/build.ts'
import { openSession, type Session } from '../../src/session/session.ts'
import { rejected } from '../session/rejected.ts'
import { FakeAddon, type FakeLaunch } from './fake-addon.ts'
import { fakePlan } from './fake-plan.ts'
import { HostTree } from './host-tree.ts'
import { nativeFailure } from './native-failure.ts'

const addon = new FakeAddon()
vi.mock('../../src/native/load.ts', () => ({ binding: () => addon }))
const tree = new HostTree()
let session: Session
beforeEach(async () => {
  addon.reset()
  session = await openSession(fakePlan)
  addon.jobs = []
})
afterEach(() => vi.restoreAllMocks())

const [pipe, inherit, ignore, file, capture, socket, same] = [0, 1, 2, 3, 4, 5, 6]
// What src/command/stdio.ts chooses for an output that is read here.
const readHere = process.versions['bun'] !== undefined && process.platform === 'freebsd' ? socket : pipe
// FreeBSD's open(2), O_NOFOLLOW.
const linkRefusal = process.platform === 'freebsd' ? 'EMLINK' : 'ELOOP'
const kinds = (): number[] | undefined => addon.launched.at(-1)?.stdio.map(({ kind }) => kind)
const moment = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const launched = async (): Promise<FakeLaunch> => {
  await vi.waitFor(() => expect(addon.launched).toHaveLength(1))
  return addon.launched[0] as FakeLaunch
}
const says = (out: string, err = ''): void => {
  addon.script.behaviour = ({ job }) => addon.exit(job, { exitCode: 0, stdout: Buffer.from(out), stderr: Buffer.from(err) })
}
/** What the command writes to its pipe, before it ends. */
const writes = (...chunks: string[]): void => {
  addon.script.behaviour = ({ job, ends }) => {
    for (const chunk of chunks) writeSync(ends[1], chunk)
    setImmediate(() => addon.exit(job))
  }
}

describe('a command that ran is told as it went', () => {
  it('with much output, which becomes text when it is asked for', async () => {
    const much = 'x'.repeat(2 * 1024 * 1024)
    says(`${much}\n`)
    const isMade = (result: object): boolean => 'value' in (Object.getOwnPropertyDescriptor(result, 'stdout') ?? {})
    const result = await session.run(['true'])
    expect(isMade(result)).toBe(false)
    expect(result.stdout === much).toBe(true)
    expect(result.stdout === much).toBe(true)
    expect(isMade(result)).toBe(true)
    addon.script.behaviour = ({ job }) => addon.exit(job, { exitCode: 1, stdout: Buffer.from(much) })
    const error = await rejected(session.run(['false']))
    expect(error).toBeInstanceOf(CommandError)
    expect(isMade(error as CommandError)).toBe(false)
    expect((error as CommandError).stdout === much).toBe(true)
  })

  it('in the words of a result', async () => {
    says('hellö\n')
    expect(await session.run(['echo', 'two words'])).toEqual({
      command: "echo 'two words'",
      exitCode: 0,
      signal: undefined,
      stdout: 'hellö',
      stderr: '',
      all: undefined,
      durationMs: expect.any(Number) as number,
      failed: false,
      hints: [],
      timedOut: false,
      isCanceled: false,
      isTerminated: false,
      isMaxBuffer: false,
      limit: undefined,
      usage: { userUs: 1, systemUs: 2, maxRssBytes: 3 },
      leftInOutputs: [],
    })
  })

  it('unsuccessful ones reject with the fields of their result and what they said last, unless that is not wanted', async () => {
    addon.script.behaviour = ({ job }) => addon.exit(job, { exitCode: 2, stderr: Buffer.from('no such thing\n') })
    const error = await rejected(session.run(['cc']))
    expect(error).toBeInstanceOf(CommandError)
    expect(error).toBeInstanceOf(CommandError)
    expect(error).toMatchObject({
      code: 'ERR_BUILDJAIL_COMMAND_FAILED',
      message: 'cc: failed with exit code 2\nno such thing',
      shortMessage: 'cc: failed with exit code 2',
      command: 'cc',
      exitCode: 2,
      stdout: '',
      stderr: 'no such thing',
      failed: true,
      usage: { userUs: 1 },
    })
    await expect(session.run(['cc'], { reject: false })).resolves.toMatchObject({ exitCode: 2, failed: true })
  })

  it('one ended by a signal has no exit code', async () => {
    addon.script.behaviour = ({ job }) => addon.exit(job, { signal: 'SIGSEGV' })
    expect(await rejected(session.run(['cc']))).toMatchObject({ message: 'cc: was ended by SIGSEGV', exitCode: undefined, signal: 'SIGSEGV', isTerminated: true })
  })

  it('one that wrote too much rejects, with what there is of it, unless that is not wanted', async () => {
    addon.script.behaviour = ({ job }) => addon.exit(job, { signal: 'SIGKILL', isMaxBuffer: true, stdout: Buffer.from('yyy') })
    const error = await rejected(session.run(['yes'], { maxBuffer: 3 }))
    expect(error).toBeInstanceOf(CommandError)
    expect(error).toMatchObject({ code: 'ERR_BUILDJAIL_MAX_BUFFER', message: 'yes: wrote more than 3 bytes', stdout: 'yyy', isMaxBuffer: true })
    expect(addon.launched[0]?.maxBuffer).toBe(3n)
    expect(await session.run(['yes'], { maxBuffer: 3, reject: false })).toMatchObject({ isMaxBuffer: true, stdout: 'yyy', signal: 'SIGKILL' })
  })

  it('a missing program is the typed error of execve', async () => {
    addon.script.launchFailure = nativeFailure({ path: '/bin/cc' })
    const error = await rejected(session.run(['cc']))
    expect(error).toBeInstanceOf(SystemCallError)
    expect(error).toMatchObject({ code: 'ENOENT', errno: -2, syscall: 'execve', step: 'execve', path: '/bin/cc' })
  })
})

describe('the output in a result', () => {
  it.each([
    [{}, 'a\nb'],
    [{ stripFinalNewline: false }, 'a\nb\n'],
    [{ lines: true }, ['a', 'b']],
    [{ lines: true, stripFinalNewline: false }, ['a\n', 'b\n']],
    [{ encoding: 'buffer' }, Buffer.from('a\nb')],
    [{ encoding: 'buffer', stripFinalNewline: false }, Buffer.from('a\nb\n')],
  ] as const)('is with %j %j', async (options, expected) => {
    says('a\nb\n', 'a\nb\n')
    expect(await session.run(['x'], options)).toMatchObject({ stdout: expected, stderr: expected })
  })

  it('of several newlines loses one, be it of two characters, and of none nothing', async () => {
    for (const [said, kept] of [['a\n\n', 'a\n'], ['a\r\n', 'a'], ['a', 'a'], ['\n', ''], ['', '']] as const) {
      says(said)
      expect((await session.run(['x'])).stdout).toBe(kept)
    }
  })

  it('that are lines has empty ones as they came, and none where nothing came', async () => {
    says('\n\na\r\n', '')
    expect(await session.run(['x'], { lines: true })).toMatchObject({ stdout: ['', '', 'a'], stderr: [] })
    says('\n', '\r\n')
    expect(await session.run(['x'], { lines: true })).toMatchObject({ stdout: [''], stderr: [''] })
  })

  it('keeps bytes that are no text where bytes are asked for', async () => {
    const bytes = Buffer.from([0xff, 0x00, 0x80])
    addon.script.behaviour = ({ job }) => addon.exit(job, { exitCode: 0, stdout: bytes })
    const { stdout }: { stdout: Buffer } = await session.run(['x'], { encoding: 'buffer' })
    expect(stdout).toEqual(bytes)
  })

  it('with all is one pipe, and what it was has its place in all alone', async () => {
    says('both\n')
    expect(await session.run(['x'], { all: true })).toMatchObject({ all: 'both', stdout: '', stderr: '' })
    expect(kinds()).toEqual([ignore, capture, same])
    addon.script.behaviour = ({ job }) => addon.exit(job, { exitCode: 1, stdout: Buffer.from('why\n') })
    expect(await rejected(session.run(['x'], { all: true }))).toMatchObject({ message: 'x: failed with exit code 1\nwhy', all: 'why' })
  })
})

describe('a command gets what was asked for and nothing of ours', () => {
  it("the session's environment and directory, and its own before them", async () => {
    vi.stubEnv('OF_THE_CALLER', 'secret')
    await session.run(['true'])
    await session.run(['true'], { env: { A: 'run', B: '' }, cwd: '/output' })
    vi.unstubAllEnvs()
    expect(addon.launched[0]).toMatchObject({ argv: ['true'], cwd: '/tmp' })
    expect(addon.launched[0]?.env).toContain('A=session')
    expect(addon.launched[1]?.env).toEqual(expect.arrayContaining(['A=run', 'B=']))
    expect(addon.launched[1]?.env).not.toContain('A=session')
    expect(addon.launched[1]?.cwd).toBe('/output')
    expect(addon.launched.flatMap(({ env }) => env).join()).not.toContain('OF_THE_CALLER')
  })

  it('stdin is empty and the output is collected by native code, unless said otherwise', async () => {
    await session.run(['true'])
    expect(kinds()).toEqual([ignore, capture, capture])
    await session.run(['true'], { stdin: 'inherit', stdout: 'inherit', stderr: { file: '/var/log/x' } })
    expect(addon.launched[1]?.stdio).toEqual([{ kind: inherit, path: '' }, { kind: inherit, path: '' }, { kind: file, path: '/var/log/x' }])
    await session.run(['true'], { stdout: ['pipe'], stderr: ['ignore'] })
    expect(kinds()).toEqual([ignore, capture, ignore])
  })

  it('one event, of which one is told: its end', async () => {
    await session.run(['true'])
    expect(addon.jobs).toHaveLength(1)
    expect(addon.jobs[0]).toMatchObject({ closes: false, tellsStarted: false, id: '', rest: undefined })
  })
})

describe('a command under way', () => {
  it('begins after the turn in which it was asked for', async () => {
    const running = session.run(['true'])
    expect([addon.launched.length, running.pid]).toEqual([0, undefined])
    await Promise.resolve()
    expect([addon.launched.length, running.pid]).toEqual([1, 4711])
    await running
    expect(running.pid).toBe(undefined)
  })

  it('is a promise', async () => {
    expect(String(session.run(['true']))).toBe('[object Running]')
    expect(await Promise.all([session.run(['true']), session.run(['true']).then(({ exitCode }) => exitCode)])).toMatchObject([{ exitCode: 0 }, 0])
    let isOver = false
    await session.run(['true']).finally(() => (isOver = true))
    expect(isOver).toBe(true)
    addon.script.behaviour = ({ job }) => addon.exit(job, { exitCode: 1 })
    expect(await session.run(['true']).catch(() => 'caught')).toBe('caught')
  })

  it('is listened to and collected at the same time', async () => {
    writes('one\n', 'two\n')
    const running = session.run(['x'])
    const listened = text(running.stdout as Readable)
    expect(await running).toMatchObject({ stdout: 'one\ntwo' })
    expect(await listened).toBe('one\ntwo\n')
    expect(kinds()).toEqual([ignore, readHere, capture])
  })

  it('has of a stream that is asked for later all that it was', async () => {
    says('said\n', 'why\n')
    const running = session.run(['x'])
    await launched()
    const early = text(running.stdout as Readable)
    await running
    expect([await early, await text(running.stderr as Readable)]).toEqual(['said\n', 'why\n'])
    expect(kinds()).toEqual([ignore, capture, capture])
  })

  it('has no stream of what goes elsewhere', async () => {
    const running = session.run(['x'], { stdin: 'ignore', stdout: 'inherit', stderr: 'ignore' })
    expect([running.stdin, running.stdout, running.stderr, running.all]).toEqual([null, null, null, null])
    await running
    const together = session.run(['x'], { all: true })
    expect([together.stdout, together.stderr]).toEqual([null, null])
    expect(together.all).toBeInstanceOf(Readable)
    await together
    expect(kinds()).toEqual([ignore, readHere, same])
  })

  it('is written to where that was asked for at once or by name', async () => {
    for (const options of [undefined, { stdin: 'pipe' }] as const) {
      addon.reset()
      addon.script.behaviour = ({ job, ends }) => {
        void vi.waitFor(() => expect(bytesOf(ends[0])).toBe('given')).then(() => addon.exit(job))
      }
      const running = session.run(['cat'], options)
      running.stdin?.end('given')
      expect((await running).exitCode).toBe(0)
      expect(kinds()?.[0]).toBe(pipe)
    }
    addon.script.behaviour = () => {}
    const late = session.run(['cat'])
    await moment()
    expect(late.stdin).toBe(null)
    addon.exit(addon.launched[1]?.job ?? -1)
    await late
  })

  it('is signalled by name and by number, and also before it has begun', async () => {
    addon.script.behaviour = () => {}
    const running = session.run(['sleep', '9'], { reject: false, killSignal: 'SIGHUP', forceKillAfterDelay: 5 })
    expect([running.kill('SIGUSR1'), running.kill(0)]).toEqual([true, true])
    const { job } = await launched()
    running.kill(10)
    running.kill()
    await vi.waitFor(() => expect(addon.acts).toContain('SIGKILL tree'))
    expect(addon.acts).toEqual(['open', 'launch', 'SIGUSR1 group', '10 group', 'SIGHUP group', 'SIGKILL tree'])
    expect(() => running.kill('SIGFOO' as NodeJS.Signals)).toThrow(/signal: SIGFOO/)
    addon.exit(job, { signal: 'SIGKILL' })
    expect(await running).toMatchObject({ isTerminated: true, isCanceled: false })
    expect([running.kill(), running.kill(0)]).toEqual([false, false])
  })

  it('gives a stream its end where it could not be started', async () => {
    addon.script.launchFailure = nativeFailure()
    const running = session.run(['none'])
    const listened = text(running.stdout as Readable)
    expect(await rejected(running)).toMatchObject({ code: 'ENOENT' })
    expect(await listened).toBe('')
    const refused = session.run([])
    expect(await text(refused.stdout as Readable)).toBe('')
    expect(await rejected(refused)).toMatchObject({ entry: 'command' })
  })

  it('does not wait for a daemon that keeps its stdout open', async () => {
    let kept = -1
    addon.script.behaviour = ({ job, ends }) => {
      writeSync(ends[1], 'said')
      kept = ends[1]
      addon.exit(job)
    }
    const running = session.run(['x'])
    void running.stdout
    expect((await running).stdout).toBe('said')
    expect(kept).toBeGreaterThan(2)
  })

  it('is bounded in what is kept of it, whoever reads it', async () => {
    addon.script.behaviour = ({ job, ends }) => {
      writeSync(ends[1], 'yyyyyy')
      void vi.waitFor(() => expect(addon.acts).toContain('SIGKILL tree')).then(() => addon.exit(job, { signal: 'SIGKILL' }))
    }
    const running = session.run(['yes'], { maxBuffer: 4 })
    const listened = text(running.stdout as Readable)
    expect(await rejected(running)).toMatchObject({ code: 'ERR_BUILDJAIL_MAX_BUFFER', stdout: 'yyyy' })
    expect(await listened).toBe('yyyy')
  })
})

describe('the lines of a command', () => {
  it('come as they are written, cut where they end', async () => {
    writes('one\ntw', 'o\r\n\nthr', 'ee')
    const lines: string[] = []
    for await (const line of session.run(['x'])) lines.push(line)
    expect(lines).toEqual(['one', 'two', '', 'three'])
  })

  it('are those of both streams with all', async () => {
    writes('both\n')
    const lines: string[] = []
    for await (const line of session.run(['x'], { all: true })) lines.push(line)
    expect(lines).toEqual(['both'])
    expect(kinds()).toEqual([ignore, readHere, same])
  })

  it('end with what the promise rejects with', async () => {
    addon.script.behaviour = ({ job, ends }) => {
      writeSync(ends[1], 'one\n')
      addon.exit(job, { exitCode: 3 })
    }
    const lines: string[] = []
    const reading = (async () => {
      for await (const line of session.run(['x'])) lines.push(line)
    })()
    expect(await rejected(reading)).toMatchObject({ exitCode: 3, stdout: 'one' })
    expect(lines).toEqual(['one'])
  })

  it('that are left early end the command and all it started', async () => {
    addon.script.behaviour = ({ job, ends }) => {
      writeSync(ends[1], 'one\ntwo\n')
      void vi.waitFor(() => expect(addon.acts).toContain('SIGTERM tree')).then(() => addon.exit(job, { signal: 'SIGTERM' }))
    }
    const running = session.run(['x'])
    for await (const line of running) {
      expect(line).toBe('one')
      break
    }
    expect(await rejected(running)).toMatchObject({ isCanceled: true, signal: 'SIGTERM' })
  })

  it('are not to be had of what is not collected', async () => {
    const running = session.run(['x'], { stdout: 'inherit' })
    expect(() => running[Symbol.asyncIterator]()).toThrow(/stdout: has no lines/)
    await running
  })
})

describe('output with several targets', () => {
  it('goes to each of them whole, a file is appended to', async () => {
    const log = tree.file('log')
    writeFileSync(log, 'before\n')
    const seen: string[] = []
    vi.spyOn(process.stdout, 'write').mockImplementation((chunk, done) => {
      seen.push(String(chunk))
      if (typeof done === 'function') (done as () => void)()
      return true
    })
    writes('one\n', 'two\n')
    const { stdout } = await session.run(['x'], { stdout: ['pipe', 'inherit', { file: log }] })
    expect([stdout, seen.join(''), readFileSync(log, 'utf8')]).toEqual(['one\ntwo', 'one\ntwo\n', 'before\none\ntwo\n'])
    expect(kinds()).toEqual([ignore, readHere, capture])
  })

  it('goes to a stream of this program from many commands at once, without a warning of a leak', async () => {
    const most = process.stdout.getMaxListeners()
    const warned = vi.fn()
    process.on('warning', warned)
    onTestFinished(() => void process.off('warning', warned))
    vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    writes('')
    await Promise.all(Array.from({ length: 3 * most }, () => session.run(['x'], { stdout: ['pipe', 'inherit'] })))
    expect(warned.mock.calls).toEqual([])
    expect([process.stdout.getMaxListeners(), process.stdout.listenerCount('error')]).toEqual([most, 0])
  })

  it('is not kept where no pipe is among them', async () => {
    const [one, other] = [tree.at('one'), tree.at('other')]
    writes('said')
    const running = session.run(['x'], { stdout: [{ file: one }, { file: other }], maxBuffer: 1 })
    expect(running.stdout).toBe(null)
    expect((await running).stdout).toBe('')
    expect([readFileSync(one, 'utf8'), readFileSync(other, 'utf8')]).toEqual(['said', 'said'])
  })

  it.each([
    ['a link', (): string => (symlinkSync(tree.file('aim'), tree.at('link')), tree.at('link')), linkRefusal],
    ['a folder', (): string => tree.directory('folder'), 'EISDIR'],
    ['a file in no folder', (): string => tree.at('none/log'), 'ENOENT'],
  ])('is not written to %s, and nothing is started', async (_what, make, code) => {
    const error = await rejected(session.run(['x'], { stdout: ['pipe', { file: make() }] }))
    expect(error).toBeInstanceOf(SystemCallError)
    expect(error).toMatchObject({ code, syscall: 'open', step: 'stdio' })
    expect(addon.launched).toEqual([])
    rmSync(tree.at('link'), { force: true })
  })

  it('ends the command where one of them cannot be written to', async (context) => {
    addon.script.behaviour = ({ job, ends }) => {
      writeSync(ends[1], 'said')
      void vi.waitFor(() => expect(addon.acts).toContain('SIGTERM tree')).then(() => addon.exit(job, { signal: 'SIGTERM' }))
    }
    // Each write to it fails with ENOSPC (full(4)).
    const full = '/dev/full'
    context.skip(!existsSync(full), `this system has no ${full}`)
    const error = await rejected(session.run(['x'], { stdout: ['pipe', { file: full }], reject: false }))
    expect(error).toBeInstanceOf(CommandError)
    expect(error).toMatchObject({ code: 'ERR_BUILDJAIL_STDOUT_FAILED', stdout: 'said', cause: { code: 'ENOSPC' } })
  })
})

describe('a file that native code reads or writes for a command', () => {
  const full = nativeFailure({ code: 'ENOSPC', errno: -28, syscall: 'write', step: 'stdio', path: '/var/log/x' })

  it.each([
    ['written to', { outputFailure: full }, CommandError, 'x: its stdout or stderr could not be written: ENOSPC'],
    ['read', { inputFailure: full }, CommandError, 'x: its input failed: ENOSPC'],
  ] as const)('and could not be %s, fails the run, whatever became of the command', async (_what, failure, type, message) => {
    for (const how of [{ signal: 'SIGKILL' }, { exitCode: 0 }]) {
      addon.script.behaviour = ({ job }) => addon.exit(job, { ...how, ...failure })
      const error = await rejected(session.run(['x'], { stdout: { file: '/var/log/x' }, reject: false }))
      expect(error).toBeInstanceOf(type)
      expect(error).toMatchObject({ ...how, message: expect.stringContaining(message) as string, cause: { code: 'ENOSPC', path: '/var/log/x' } })
    }
  })
})

describe('a command that is to stop is stopped, and no other of its session', () => {
  it.each([
    [{}, 'SIGTERM tree'],
    [{ killSignal: 'SIGINT' }, 'SIGINT tree'],
    [{ killSignal: 2 }, '2 tree'],
  ] as const)('on timeout with all that it started, with %j by %s', async (options, act) => {
    addon.script.behaviour = () => {}
    const running = session.run(['sleep', '9'], { timeout: 20, forceKillAfterDelay: 5, reject: false, ...options })
    await vi.waitFor(() => expect(addon.acts).toContain('SIGKILL tree'))
    expect(addon.acts).toEqual(['open', 'launch', act, 'SIGKILL tree'])
    addon.exit(addon.launched[0]?.job ?? -1, { signal: 'SIGKILL' })
    expect(await running).toMatchObject({ timedOut: true, isCanceled: false, signal: 'SIGKILL', failed: true })
  })

  it('and is told of', async () => {
    addon.script.behaviour = ({ job }) => void vi.waitFor(() => expect(addon.acts).toContain('SIGTERM tree')).then(() => addon.exit(job, { exitCode: 0 }))
    expect(await rejected(session.run(['sleep', '9'], { timeout: '5ms' }))).toMatchObject({ message: 'sleep 9: timed out after 5 ms', timedOut: true, exitCode: 0 })
  })

  it('on abort, with the reason as the cause', async () => {
    addon.script.behaviour = () => {}
    const controller = new AbortController()
    const running = session.run(['sleep', '9'], { signal: controller.signal, forceKillAfterDelay: 5 })
    const { job } = await launched()
    controller.abort(new Error('enough'))
    await vi.waitFor(() => expect(addon.acts).toContain('SIGKILL tree'))
    expect(addon.acts).toEqual(['open', 'launch', 'SIGTERM tree', 'SIGKILL tree'])
    addon.exit(job, { signal: 'SIGKILL' })
    expect(await rejected(running)).toMatchObject({ message: 'sleep 9: was canceled', cause: { message: 'enough' }, isCanceled: true })
  })

  it('aborted before, or in the turn in which it was asked for, it is not launched', async () => {
    expect(await rejected(session.run(['true'], { signal: AbortSignal.abort(new Error('enough')) }))).toMatchObject({ message: 'enough' })
    const controller = new AbortController()
    const running = session.run(['true'], { signal: controller.signal, reject: false })
    controller.abort(new Error('changed my mind'))
    expect(await rejected(running)).toMatchObject({ message: 'changed my mind' })
    expect(addon.launched).toEqual([])
  })

  it('a timeout of 0 is none, and nothing is left of one that did not pass', async () => {
    addon.script.behaviour = ({ job }) => setTimeout(() => addon.exit(job), 20)
    expect(await session.run(['sleep', '9'], { timeout: 0 })).toMatchObject({ timedOut: false, exitCode: 0 })
    const timers = vi.spyOn(globalThis, 'clearTimeout')
    await session.run(['sleep', '9'], { timeout: 10_000 })
    expect(timers.mock.calls.some(([timer]) => timer !== undefined)).toBe(true)
  })

  it('when its input fails, which is not taken for its end', async () => {
    addon.script.behaviour = ({ job }) => void vi.waitFor(() => expect(addon.acts).toContain('SIGTERM tree')).then(() => addon.exit(job, { signal: 'SIGTERM' }))
    const input = new PassThrough()
    setTimeout(() => input.destroy(new Error('lost')), 10)
    const error = await rejected(session.run(['cat'], { input, reject: false }))
    expect(error).toBeInstanceOf(CommandError)
    expect(error).toMatchObject({ code: 'ERR_BUILDJAIL_STDIN_FAILED', cause: { message: 'lost' }, signal: 'SIGTERM' })
  })
})

it('verbose says what runs, and how it ended after how long', async () => {
  const said: string[] = []
  vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => said.push(String(chunk)) > 0)
  addon.script.behaviour = ({ job }) => addon.exit(job, { exitCode: 1 })
  await session.run(['cc', 'a b'], { verbose: true, reject: false })
  expect(said.join('')).toMatch(/^\$ cc 'a b'\ncc 'a b': failed with exit code 1 after \d+ ms\n$/)
})

it('a build is listened to, too', async () => {
  writes('one\n')
  const lines: string[] = []
  for await (const line of build(fakePlan, ['x'])) lines.push(line)
  expect(lines).toEqual(['one'])
  expect(addon.acts.slice(1)).toEqual(['open', 'launch', 'close'])
})

function bytesOf(descriptor: number): string {
  const bytes = Buffer.alloc(100)
  return bytes.toString('utf8', 0, readSync(descriptor, bytes))
}
