import { readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import vm from 'node:vm'
import { beforeEach, describe, expect, expectTypeOf, it, vi } from 'vitest'

import type { StdioOf } from '../../src/command/result.ts'
import type { RunOptions } from '../../src/command/run-options.ts'
import { checkSignal } from '../../src/command/options.ts'
import { openSession, type Session } from '../../src/session/session.ts'
import { rejected } from '../session/rejected.ts'
import { FakeAddon } from './fake-addon.ts'
import { fakePlan } from './fake-plan.ts'
import { whilePolluted } from './polluted.ts'

const addon = new FakeAddon()
vi.mock('../../src/native/load.ts', () => ({ binding: () => addon }))
let session: Session
beforeEach(async () => {
  addon.reset()
  session = await openSession(fakePlan)
})

describe('what cannot be run is refused before anything is launched', () => {
  it.each<[string, unknown, entry: string]>([
    ['a timeout beyond what a timer can count, which would fire at once', { timeout: 2 ** 31 }, 'timeout'],
    ['a timeout without a unit', { timeout: '10' }, 'timeout'],
    ['more output than a string can hold, as a text', { maxBuffer: '1T' }, 'maxBuffer'],
    ['a negative timeout', { timeout: -1 }, 'timeout'],
    ['a timeout that is no number', { timeout: Number.NaN }, 'timeout'],
    ['a delay beyond what a timer can count', { forceKillAfterDelay: 2 ** 31 }, 'forceKillAfterDelay'],
    ['a killSignal that is none', { killSignal: 'SIGFOO' }, 'killSignal'],
    ['a killSignal that sends nothing', { killSignal: 0 }, 'killSignal'],
    ['half a byte of output', { maxBuffer: 1.5 }, 'maxBuffer'],
    ['output without bound', { maxBuffer: Infinity }, 'maxBuffer'],
    ['more output than a string can hold', { maxBuffer: 2 ** 40 }, 'maxBuffer'],
    ['a number as input', { input: 42 }, 'input'],
    ['a stream as input that is over', { input: Readable.from([]).destroy() }, 'input'],
    ['stdin from two places', { input: 'x', stdin: 'inherit' }, 'stdin'],
    ['a signal that is none', { signal: {} }, 'signal'],
    ['a signal that could not be left again, so that the run would never end', { signal: { aborted: false, addEventListener: () => {} } }, 'signal'],
    ['an option of another package', { workingDirectory: '/tmp' }, 'workingDirectory'],
    ['an option that every object has', { constructor: 1 }, 'constructor'],
    ['no options at all', null, 'options'],
    ['a list of options', [], 'options'],
    ['a reject that is neither', { reject: 0 }, 'reject'],
    ['an encoding that is none', { encoding: 'latin1' }, 'encoding'],
    ['lines of bytes', { lines: true, encoding: 'buffer' }, 'lines'],
    ['stderr in two places', { all: true, stderr: 'ignore' }, 'stderr'],
    ['a variable name with =', { env: { 'A=B': 'x' } }, 'env.A=B'],
    ['a list as variables', { env: ['A=B'] }, 'env'],
    ['a relative working directory', { cwd: 'src' }, 'cwd'],
    ['a file without a name as stdout', { stdout: { file: '' } }, 'stdout'],
    ['stdin from several places', { stdin: ['pipe', 'inherit'] }, 'stdin'],
  ])('%s', async (_what, options, entry) => {
    expect(await rejected(session.run(['true'], options as RunOptions))).toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_COMMAND', entry })
    expect(addon.launched).toEqual([])
  })

  it('options that cannot be read, which is no mistake of ours', async () => {
    const options = Object.defineProperty({}, 'cwd', { enumerable: true, get: () => { throw new Error('no') } })
    expect(await rejected(session.run(['true'], options))).toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_COMMAND', message: 'options: cannot be read: no' })
  })

  const thrower = (): object => Object.defineProperty({}, 'file', { enumerable: true, get: () => { throw new Error('no') } })
  const revoked = (of: object): never => {
    const { proxy, revoke } = Proxy.revocable(of, {})
    revoke()
    return proxy as never
  }
  it.each<[string, unknown, unknown, entry: string]>([
    ['a command', revoked([]), {}, 'command'],
    ['the arguments of another interface', 'cc', [Object.create(null)], 'command'],
    ['options', ['true'], revoked({}), 'options'],
    ['variables', ['true'], { env: thrower() }, 'env'],
    ['a file', ['true'], { stdin: thrower() }, 'stdin'],
    ['one of several targets', ['true'], { stdout: ['pipe', thrower()] }, 'stdout'],
    ['a signal', ['true'], { signal: revoked({}) }, 'signal'],
  ])('%s that cannot be read, by the name of the entry', async (_what, command, options, entry) => {
    const error = await rejected(session.run(command as string[], options as RunOptions))
    expect(error).toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_COMMAND', entry })
    expect((error as Error).message).toMatch(/: cannot be read: /)
  })
})

it('a stream is the input of one command, as of two each would read a part and take that for the whole', async () => {
  const input = Readable.from(['all of it'])
  expect(await rejected(session.run(['cat'], { input, timeout: -1 }))).toMatchObject({ entry: 'timeout' })
  const [first, second] = [session.run(['cat'], { input }), session.run(['cat'], { input })]
  expect(await rejected(second)).toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_COMMAND', entry: 'input', message: 'input: is a stream that another command reads' })
  expect(input.destroyed).toBe(false)
  await first
})

it('a command takes words, variables and bytes of another realm', async () => {
  const other = vm.runInNewContext('({ command: ["cat", "a"], options: { env: { A: "b" }, input: new Uint8Array([65]) } })') as { command: string[]; options: RunOptions }
  await session.run(other.command, other.options)
  expect(addon.launched[0]).toMatchObject({ argv: ['cat', 'a'], env: expect.arrayContaining(['A=b']) as string[] })
})

describe('what was asked for is read once, when it was asked for', () => {
  it('a getter that answers otherwise the second time is not asked again', async () => {
    let times = 0
    const once = (value: unknown) => ({ enumerable: true, get: () => ((times += 1), times > 1 ? '/second' : value) })
    await session.run(['true'], Object.defineProperty({}, 'cwd', once('/first')) as RunOptions)
    expect([addon.launched[0]?.cwd, times]).toEqual(['/first', 1])
    times = 0
    await session.run(['true'], { env: Object.defineProperty({}, 'A', once('first')) as Record<string, string> })
    expect([addon.launched[1]?.env.filter((pair) => pair.startsWith('A=')), times]).toEqual([['A=first'], 1])
  })

  it('what is changed after the call changes nothing', async () => {
    const command = ['cc', 'a']
    const env: Record<string, string> = { A: 'before' }
    const options = { env, cwd: '/before', stdout: { file: '/var/before' } }
    const running = session.run(command, options)
    command[1] = 'b'
    env['A'] = 'after'
    options.cwd = '/after'
    options.stdout.file = '/var/after'
    await running
    expect(addon.launched[0]).toMatchObject({ argv: ['cc', 'a'], cwd: '/before' })
    expect(addon.launched[0]?.env).toContain('A=before')
    expect(addon.launched[0]?.stdio[1]?.path).toBe('/var/before')
  })

  it('what is inherited is no option, nor an argument', async () => {
    await session.run(['true'], Object.create({ cwd: '/inherited', nothing: 1 }) as RunOptions)
    expect(addon.launched[0]?.cwd).toBe('/tmp')
    // oxlint-disable-next-line no-sparse-arrays
    const sparse = ['echo', , 'x'] as unknown as string[]
    const error = await whilePolluted({ 1: 'inherited' }, () => rejected(session.run(sparse)))
    expect(error).toMatchObject({ entry: 'command[1]' })
  })

  it('what every object was given changes nothing', async () => {
    const polluting = { cwd: '/polluted', timeout: 1, env: { P: 'polluted' }, stdout: 'inherit', file: '/polluted', path: '/polluted', all: true, rest: 1, closes: true }
    await whilePolluted(polluting, () => Promise.all([session.run(['true']), session.run(['true'], {}), session.run(['true'], { stderr: 'ignore' })]))
    for (const launch of addon.launched) {
      expect(launch).toMatchObject({ cwd: '/tmp', stdio: [{ kind: 2, path: '' }, { kind: 4, path: '' }, { path: '' }] })
      expect(launch.env.join()).not.toContain('polluted')
    }
    expect(addon.jobs.slice(1).map(({ closes, rest }) => [closes, rest])).toEqual([[false, undefined], [false, undefined], [false, undefined]])
  })
})

it('a signal is any that native code knows by name, and no other name', () => {
  const native = readFileSync(new URL('../../native/base/signals.cc', import.meta.url), 'utf8').matchAll(/BUILDJAIL_SIGNAL\((SIG\w+)\)/g)
  const known = [...native].map(([, name]) => name as NodeJS.Signals)
  expect(known.length).toBeGreaterThan(20)
  for (const name of known) expect(() => checkSignal(name)).not.toThrow()
  for (const name of ['SIGPWR', 'SIGSTKFLT', 'SIGINFO'] as const) expect(() => checkSignal(name)).toThrow(/signal/)
})

it('of options that are one of two kinds, the type of the output is that of either', () => {
  // tsc compares these.
  expectTypeOf<StdioOf<{ encoding: 'buffer' } | { lines: true }>>().toEqualTypeOf<Buffer | string[]>()
  expectTypeOf<StdioOf<{ lines: true }>>().toEqualTypeOf<string[]>()
  expectTypeOf<StdioOf<RunOptions>>().toEqualTypeOf<string | string[] | Buffer>()
})
