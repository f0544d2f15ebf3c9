import { availableParallelism } from 'node:os'
import { writeSync } from 'node:fs'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { CommandError } from '../../src/command/command-error.ts'
import type { RunOptions } from '../../src/command/run-options.ts'
import { SessionClosedError, UnsupportedError } from '../../src/errors.ts'
import { build } from '../../src/session/build.ts'
import type { LimitEvent } from '../../src/events/session-events.ts'
import { SessionPool } from '../../src/session/pool.ts'
import { openSession } from '../../src/session/session.ts'
import { planOf, type Plan } from '../../src/spec/plan.ts'
import type { Limits } from '../../src/spec/spec.ts'
import { rejected } from '../session/rejected.ts'
import { FakeAddon } from './fake-addon.ts'
import { fakePlan } from './fake-plan.ts'
import { nativeFailure } from './native-failure.ts'
import { whilePolluted } from './polluted.ts'
import { refusalOf } from './refusal.ts'
import type { ReadCommand } from './wire-reader.ts'
import { planOnto } from './plan-onto.ts'

const addon = new FakeAddon()
vi.mock('../../src/native/load.ts', () => ({ binding: () => addon }))
beforeEach(() => addon.reset())
afterEach(() => vi.useRealTimers())

const planned = (limits: Limits): Plan => planOf({ toolchain: 'none', limits })
const of = (limits: Limits): Plan['limits'] => planned(limits).limits
const forEver = (): void => {}
const endsByKill = { behaviour: forEver, onSignal: (job: number, signal: string | number) => addon.exit(job, { signal: String(signal) }) }
const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

describe('limits of a plan', () => {
  it('are numbers, whether they were given as numbers or as texts', () => {
    expect(of({ memory: '2G', swap: '0B', stdio: '4MiB', fileSize: 7, cpus: 0.5 })).toEqual({ memory: 2 * 1024 ** 3, swap: 0, stdio: 4 * 1024 ** 2, fileSize: 7, cpus: 0.5, policy: 'strict' })
    const units = { B: 1, b: 1, K: 1024, k: 1024, KB: 1024, KiB: 1024, kib: 1024, M: 1024 ** 2, MB: 1024 ** 2, G: 1024 ** 3, g: 1024 ** 3, GB: 1024 ** 3, gb: 1024 ** 3 } as const
    fc.assert(
      fc.property(fc.integer({ min: 4096, max: 2 ** 20 }), fc.constantFrom(...(Object.keys(units) as (keyof typeof units)[])), (count, unit) => {
        expect(of({ memory: `${count}${unit}` })).toEqual(of({ memory: count * units[unit] }))
      }),
    )
  })

  it('are strict where nothing else is said, and none where there are none', () => {
    expect({ ...of({}) }).toEqual({ policy: 'strict' })
    expect({ ...fakePlan.limits }).toEqual({ policy: 'strict' })
    expect(of({ policy: 'best-effort' }).policy).toBe('best-effort')
  })

  it('of /tmp are those of its mount, at most half of the memory where nothing is said, with files in proportion', () => {
    const tmp = (limits?: Limits) => (limits === undefined ? planOf({ toolchain: 'none' }) : planned(limits)).mounts.find(({ target }) => target === '/tmp')
    const { size = 0, files } = tmp() ?? {}
    expect(size).toBeLessThanOrEqual(2 * 1024 ** 3)
    expect(size % 4096).toBe(0)
    expect(files).toBe(Math.max(size / 4096, 1024))
    expect(tmp({ tmpSize: '1M' })).toMatchObject({ size: 1024 ** 2, files: 1024 })
    expect(tmp({ tmpSize: '1G', tmpFiles: 10 })).toMatchObject({ size: 1024 ** 3, files: 10 })
  })

  it('on a host, or in a container, of little memory leave half of it', async () => {
    vi.spyOn(process, 'constrainedMemory').mockReturnValue(64 * 1024 ** 2 + 5)
    // It is found once.
    vi.resetModules()
    const fresh = await import('../../src/spec/plan.ts')
    expect(fresh.planOf({ toolchain: 'none' }).mounts.find(({ target }) => target === '/tmp')?.size).toBe(32 * 1024 ** 2)
    vi.restoreAllMocks()
  })

  it('of a base are narrowed by what a build adds, and never widened', () => {
    const base = planned({ memory: '1G', openFiles: 100, stdio: '1M' })
    const onto = (limits: Limits): object => ({ ...planOnto(base, { limits }).limits })
    expect(onto({})).toEqual({ memory: 1024 ** 3, openFiles: 100, stdio: 1024 ** 2, policy: 'strict' })
    expect(onto({ openFiles: 10, stdio: '2M', fileSize: 5, wallTime: 9 })).toEqual({ memory: 1024 ** 3, openFiles: 10, stdio: 1024 ** 2, fileSize: 5, wallTime: 9, policy: 'strict' })
    for (const limits of [{ memory: '1M' }, { processes: 1 }, { cpuTime: 1 }, { tmpSize: 4096 }, { policy: 'best-effort' }] as const) {
      const [name] = Object.keys(limits)
      expect(refusalOf(() => onto(limits))).toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_SPEC', entry: `limits.${name}` })
    }
  })
})

describe('limits of a command', () => {
  const launchedWith = async (limits: Limits, options?: RunOptions): Promise<ReadCommand['limits'] | undefined> => {
    const session = await openSession(planned(limits))
    await session.run(['true'], options)
    await session.close()
    return addon.launched.at(-1)?.limits
  }

  it('are those of its session, and its own where they are smaller', async () => {
    expect(await launchedWith({})).toEqual({})
    expect(await launchedWith({ openFiles: 100, fileSize: '1K', stdio: 9 })).toEqual({ 1: 100n, 2: 1024n, stdio: 9n })
    expect(await launchedWith({ openFiles: 100, fileSize: '1K' }, { limits: { openFiles: 10, fileSize: '2K', stdio: '1K' } })).toEqual({ 1: 10n, 2: 1024n, stdio: 1024n })
    expect(await launchedWith({ stackSize: '1M' }, { limits: { stackSize: '2M' } })).toEqual({ 3: 2n ** 20n })
    expect(await launchedWith({}, { limits: {} })).toEqual({})
  })

  it('count processor time in whole seconds, of a session too: no process takes more than all together may', async () => {
    expect(await launchedWith({}, { limits: { cpuTime: 1 } })).toEqual({ 0: 1n })
    expect(await launchedWith({}, { limits: { cpuTime: 2001 } })).toEqual({ 0: 3n })
    addon.reset({ usage: async () => ({ cpuTime: 0 }) })
    expect(await launchedWith({ cpuTime: 5000 }, { limits: { cpuTime: 9000 } })).toEqual({ 0: 5n })
  })

  it('are those of a build and of what is spawned, too', async () => {
    await build(planned({ openFiles: 50 }), ['true'], { limits: { fileSize: 3 } })
    const session = await openSession(planned({ openFiles: 50 }))
    session.spawn(['true'], { stdio: 'ignore', limits: { openFiles: 8 } })
    await vi.waitFor(() => expect(addon.launched).toHaveLength(2))
    expect(addon.launched.map(({ limits }) => limits)).toEqual([{ 1: 50n, 2: 3n }, { 1: 8n }])
  })

  it.each<[string, unknown, entry: string]>([
    ['a list', [], 'limits'],
    ['a number', 1, 'limits'],
    ['a limit of sessions', { memory: '1G' }, 'limits.memory'],
    ['a limit of every object', { constructor: 1 }, 'limits.constructor'],
    ['too small a stack', { stackSize: '63K' }, 'limits.stackSize'],
    ['too few open files', { openFiles: 7 }, 'limits.openFiles'],
    ['a size without its unit', { stdio: '10' }, 'limits.stdio'],
    ['no time', { cpuTime: 0 }, 'limits.cpuTime'],
    ['a getter that throws', Object.defineProperty({}, 'stdio', { enumerable: true, get: () => { throw new Error('no') } }), 'limits'],
  ])('are refused before anything is launched where they are %s', async (_what, limits, entry) => {
    const session = await openSession(planned({}))
    const error = await rejected(session.run(['true'], { limits } as RunOptions))
    expect(error).toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_COMMAND', entry })
    expect((error as Error).message).toMatch(new RegExp(`^${entry}: (?!limits)`))
    expect(addon.launched).toEqual([])
  })

  it('are not found in what every object was given', async () => {
    const session = await openSession(planned({}))
    const polluting = { limits: { openFiles: 9 }, cpuTime: 1, openFiles: 9, fileSize: 1, stdio: 1 }
    await whilePolluted(polluting, () => Promise.all([session.run(['true']), session.run(['true'], {}), session.run(['true'], { limits: {} })]))
    expect(addon.launched.map(({ limits }) => limits)).toEqual([{}, {}, {}])
  })
})

describe('a limit that ended a command', () => {
  it.each([
    ['memory', 'took more memory than limits.memory lets it'],
    ['processes', 'tried to have more processes than limits.processes lets it'],
    ['fileSize', 'wrote a larger file than limits.fileSize lets it'],
    ['stdio', 'wrote more to stdout and stderr than limits.stdio lets it'],
  ])('%s is named by its result and by its error', async (limit, sentence) => {
    addon.script.behaviour = ({ job }) => addon.exit(job, { signal: 'SIGKILL', limit })
    const session = await openSession(planned({}))
    expect(await session.run(['cc'], { reject: false })).toMatchObject({ limit, failed: true, isTerminated: true, signal: 'SIGKILL' })
    const error = await rejected(session.run(['cc']))
    expect(error).toBeInstanceOf(CommandError)
    expect(error).toMatchObject({ limit, shortMessage: `cc: ${sentence}` })
  })

  it('is none where it was ended for another reason', async () => {
    addon.script.behaviour = forEver
    addon.script.onSignal = (job) => addon.exit(job, { signal: 'SIGTERM', limit: 'processes' })
    const session = await openSession(planned({}))
    expect(await session.run(['cc'], { timeout: 5, reject: false })).toMatchObject({ timedOut: true, limit: undefined })
  })

  it('is told of what was spawned', async () => {
    addon.script.behaviour = ({ job }) => addon.exit(job, { signal: 'SIGXFSZ', limit: 'fileSize' })
    const session = await openSession(planned({}))
    const child = session.spawn(['cc'], { stdio: 'ignore' })
    await new Promise((resolve) => child.once('exit', resolve))
    expect(child.limit).toBe('fileSize')
  })
})

describe('stdio that is read here', () => {
  it('is counted for native code, of a run and of what is spawned, whether or not somebody reads it', async () => {
    addon.script.behaviour = ({ job, ends }) => {
      writeSync(ends[1], 'twelve bytes')
      setImmediate(() => addon.exit(job))
    }
    const session = await openSession(planned({ stdio: 100 }))
    await session.run(['cc'], { stdout: ['pipe', { file: '/dev/null' }] })
    const child = session.spawn(['cc'], { stdio: ['ignore', 'pipe', 'ignore'] })
    await new Promise((resolve) => child.once('close', resolve))
    expect([...addon.spent.values()]).toEqual([12, 12])
  })

  it('is too much also where it was read when the command had ended by itself', async () => {
    addon.script.behaviour = ({ job, ends }) => {
      writeSync(ends[1], 'twelve bytes')
      addon.exit(job)
    }
    const session = await openSession(planned({ stdio: 11 }))
    expect(await session.run(['cc'], { stdout: ['pipe', { file: '/dev/null' }], reject: false })).toMatchObject({ exitCode: 0, failed: true, limit: 'stdio' })
    expect(await session.run(['cc'], { stdout: ['pipe', { file: '/dev/null' }], limits: { stdio: 11 }, reject: false })).toMatchObject({ limit: 'stdio' })
  })

  it('is not counted where nobody asked for that', async () => {
    addon.script.behaviour = ({ job, ends }) => {
      writeSync(ends[1], 'twelve bytes')
      setImmediate(() => addon.exit(job))
    }
    const session = await openSession(planned({}))
    await session.run(['cc'], { stdout: ['pipe', { file: '/dev/null' }] })
    expect(addon.spent.size).toBe(0)
  })
})

describe('a session that comes to its wallTime', () => {
  it('is killed with all that runs, says so of each command, and starts nothing any more', async () => {
    addon.reset(endsByKill)
    const session = await openSession(planned({ wallTime: 30 }))
    const results = await Promise.all([session.run(['cc'], { reject: false }), session.run(['ld'], { reject: false })])
    for (const result of results) expect(result).toMatchObject({ limit: 'wallTime', signal: 'SIGKILL', failed: true, timedOut: false })
    expect(addon.acts).toEqual(['open', 'launch', 'launch', 'SIGKILL tree', 'SIGKILL tree', 'kill all'])
    const error = await rejected(session.run(['true']))
    expect(error).toBeInstanceOf(SessionClosedError)
    expect(error).toMatchObject({ code: 'ERR_BUILDJAIL_LIMIT_EXCEEDED', limit: 'wallTime' })
    expect(() => session.spawn(['true'])).toThrow(SessionClosedError)
    await session.close()
    expect(await rejected(session.run(['true']))).toMatchObject({ code: 'ERR_BUILDJAIL_SESSION_CLOSED' })
  })

  it('is told of what it had spawned', async () => {
    addon.reset(endsByKill)
    const session = await openSession(planned({ wallTime: 20 }))
    const child = session.spawn(['cc'], { stdio: 'ignore' })
    await new Promise((resolve) => child.once('exit', resolve))
    expect(child.limit).toBe('wallTime')
  })

  it('leaves one alone that was closed, and what ended before', async () => {
    addon.reset({ behaviour: ({ job }) => addon.exit(job, { exitCode: 1 }) })
    const session = await openSession(planned({ wallTime: 500 }))
    expect(await session.run(['false'], { reject: false })).toMatchObject({ limit: undefined, exitCode: 1 })
    await session.close()
    await after(600)
    expect(addon.acts).toEqual(['open', 'launch', 'close'])
  })

  it('holds for a build', async () => {
    addon.reset(endsByKill)
    expect(await rejected(build(planned({ wallTime: 20 }), ['cc']))).toMatchObject({ limit: 'wallTime', shortMessage: 'cc: was not over in the time that limits.wallTime lets it' })
    expect(addon.acts).toEqual(['open', 'launch', 'SIGKILL tree', 'close'])
  })

  it('holds for a command of a pool, from its beginning on and not from that of the pool', async () => {
    addon.reset(endsByKill)
    await using pool = await SessionPool.open({ toolchain: 'none', limits: { wallTime: 100 } }, { size: 1 })
    await after(120)
    const began = performance.now()
    expect(await pool.run({ limits: { wallTime: 60 } }, ['cc'], { reject: false })).toMatchObject({ limit: 'wallTime' })
    expect(performance.now() - began).toBeGreaterThan(50)
    await using session = await pool.acquire({})
    expect(await session.run(['cc'], { reject: false })).toMatchObject({ limit: 'wallTime' })
  })
})

describe('processor time of a session', () => {
  it('is looked at until it is used up, and then everything is killed', async () => {
    let used = 0
    addon.reset({ ...endsByKill, usage: async () => ({ cpuTime: used }) })
    const session = await openSession(planned({ cpuTime: 60 }))
    const running = session.run(['cc'], { reject: false })
    await after(40)
    used = 59
    await after(40)
    expect(addon.acts).not.toContain('kill all')
    used = 60
    expect(await running).toMatchObject({ limit: 'cpuTime', signal: 'SIGKILL' })
    expect(await rejected(session.run(['true']))).toMatchObject({ code: 'ERR_BUILDJAIL_LIMIT_EXCEEDED', limit: 'cpuTime' })
  })

  it('is not looked at before it can be used up', async () => {
    let looks = 0
    addon.reset({ usage: async () => ((looks += 1), { cpuTime: 0 }) })
    const session = await openSession(planned({ cpuTime: 3_600_000 * availableParallelism() }))
    await after(100)
    expect(looks).toBe(0)
    await session.close()
  })

  it('that nobody counts is none on record', async () => {
    const session = await openSession(planned({ cpuTime: 60, policy: 'best-effort' }))
    expect((await session.record()).limits).toEqual([])
    await session.close()
  })

  it('holds for a build and for a command of a pool', async () => {
    const script = { ...endsByKill, usage: async () => ({ cpuTime: addon.launched.length === 0 ? 0 : 100 }) }
    addon.reset(script)
    expect(await build(planned({ cpuTime: 60 }), ['cc'], { reject: false })).toMatchObject({ limit: 'cpuTime' })
    addon.reset(script)
    await using pool = await SessionPool.open({ toolchain: 'none', limits: { cpuTime: 60 } }, { size: 1 })
    expect(await pool.run({}, ['cc'], { reject: false })).toMatchObject({ limit: 'cpuTime' })
  })
})

describe('what a host cannot hold', () => {
  it('is told by the name of the limit, with the remedy', async () => {
    const [detail, remedy] = ['this kernel has no cgroup that could hold it', 'run it under systemd-run --scope']
    const given = { memory: '1G', cpuTime: 60 } as const
    for (const [limit, code] of [['memory', 'ENOTSUP'], ['memory', 'EOPNOTSUPP'], ['cpuTime', 'ENOTSUP']] as const) {
      addon.reset({ openFailure: nativeFailure({ code, syscall: 'open', step: 'limits', detail, limit, remedy }) })
      const limits = { [limit]: given[limit] }
      for (const refused of [() => openSession(planned(limits)), () => build(planned(limits), ['cc']), () => SessionPool.open({ toolchain: 'none', limits })]) {
        const error = await rejected(refused())
        expect(error).toBeInstanceOf(UnsupportedError)
        expect(error).toMatchObject({ code: 'ERR_BUILDJAIL_LIMIT_UNSUPPORTED', limit, entry: `limits.${limit}`, remedy })
        expect((error as Error).message).toBe(`limits.${limit}: ${detail}; remedy: ${remedy}`)
      }
      expect(addon.acts).not.toContain('launch')
    }
  })

  it('has no remedy where none is known, and none is looked for in the words of native code', async () => {
    const detail = 'cpus: a; remedy: b'
    addon.reset({ openFailure: nativeFailure({ code: 'ENOTSUP', step: 'limits', detail, limit: 'memory' }) })
    const error = await rejected(openSession(planned({ memory: '1G' })))
    expect(error).toMatchObject({ message: `limits.memory: ${detail}`, limit: 'memory' })
    expect(error).not.toHaveProperty('remedy')
  })

  it('is no failure with another code, nor one that names no limit', async () => {
    for (const failure of [{ code: 'EBUSY', step: 'limits', limit: 'memory' }, { code: 'ENOTSUP', step: 'nmount', detail: 'memory: x' }]) {
      addon.reset({ openFailure: nativeFailure(failure) })
      expect(await rejected(openSession(planned({ memory: '1G' })))).toMatchObject({ code: failure.code })
    }
  })
})

describe('record() of limits', () => {
  it('has what the kernel holds, what each command gets, and what this program holds itself', async () => {
    addon.reset({ usage: async () => ({ cpuTime: 0 }) })
    const session = await openSession(planned({ openFiles: 100, fileSize: 7, wallTime: 10_000, cpuTime: 5000, stdio: 3 }))
    expect((await session.record()).limits).toEqual([
      { limit: 'cpuTime', value: 5000, by: 'buildjail' },
      { limit: 'openFiles', value: 100, by: 'RLIMIT_NOFILE' },
      { limit: 'fileSize', value: 7, by: 'RLIMIT_FSIZE' },
      { limit: 'stdio', value: 3, by: 'buildjail' },
      { limit: 'wallTime', value: 10_000, by: 'buildjail' },
    ])
    await session.close()
  })
})

describe("the event 'limit'", () => {
  it('comes at 90 %, once for each limit, and nobody looks after the last', async () => {
    let looks = 0
    const usage = { memory: 8999, processes: 1, cpuTime: 0 }
    addon.reset({ usage: async () => ((looks += 1), { ...usage }) })
    const session = await openSession(planned({ memory: 10_000, processes: 10 }))
    const events: LimitEvent[] = []
    session.on('limit', (event) => events.push(event))
    await after(250)
    expect(events).toEqual([])
    usage.memory = 9000
    usage.processes = 9
    await vi.waitFor(() => expect(events).toHaveLength(2))
    expect(events).toMatchObject([{ session: session.id, limit: 'memory', used: 9000, most: 10_000 }, { limit: 'processes', used: 9, most: 10 }])
    const then = looks
    await after(250)
    expect([looks, events.length]).toEqual([then, 2])
  })

  it('of wallTime and of cpuTime comes before their end', async () => {
    let used = 0
    addon.reset({ ...endsByKill, usage: async () => ({ cpuTime: used }) })
    const session = await openSession(planned({ wallTime: 300, cpuTime: 10_000 }))
    const events: LimitEvent[] = []
    session.on('limit', (event) => events.push(event))
    used = 9500
    await session.run(['cc'], { reject: false })
    expect(events).toMatchObject([{ limit: 'cpuTime', used: 9500, most: 10_000 }, { limit: 'wallTime', used: expect.any(Number) as number, most: 300 }])
    expect(events[1]?.used).toBeGreaterThanOrEqual(270)
  })

  it('costs nothing where nobody listens any more, nor after the session was closed, nor without limits', async () => {
    let looks = 0
    addon.reset({ usage: async () => ((looks += 1), { memory: 1 }) })
    const session = await openSession(planned({ memory: 10_000 }))
    const listener = (): void => {}
    session.on('limit', listener)
    await vi.waitFor(() => expect(looks).toBeGreaterThan(0))
    session.off('limit', listener)
    // One look may be under way.
    await after(10)
    const then = looks
    await after(250)
    expect(looks).toBe(then)
    session.once('limit', listener)
    await session.close()
    session.on('limit', listener)
    const without = await openSession(planned({ openFiles: 10 }))
    without.on('limit', listener)
    await after(250)
    expect(looks).toBe(then)
  })
})

describe('usage() of a session', () => {
  it('is what the system accounts, and refused of one that is closed', async () => {
    addon.reset({ usage: async () => ({ cpuTime: 1.5, memory: 7, by: 'rctl' }) })
    const session = await openSession(planned({}))
    expect(await session.usage()).toEqual({ cpuTime: 1.5, memory: 7, by: 'rctl' })
    await session.close()
    expect(await rejected(session.usage())).toMatchObject({ code: 'ERR_BUILDJAIL_SESSION_CLOSED' })
  })
})
