import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { TeardownError, type NativeFailure } from '../../src/errors.ts'
import { planOf } from '../../src/spec/plan.ts'
import { setConcurrency } from '../../src/session/session-queue.ts'
import { SessionPool, type SessionPoolOptions } from '../../src/session/pool.ts'
import { rejected } from '../session/rejected.ts'
import { FakeAddon } from './fake-addon.ts'
import { nativeFailure } from './native-failure.ts'

const addon = new FakeAddon()
vi.mock('../../src/native/load.ts', () => ({ binding: () => addon }))
beforeEach(() => addon.reset())

const isSupported = ((): boolean => {
  try {
    return planOf({ toolchain: 'none' }).version === 1
  } catch {
    return false
  }
})()

const base = { toolchain: 'none' } as const
const busy: NativeFailure = { code: 'EBUSY', errno: -16, syscall: 'unmount', step: 'unmount', reason: 'device busy', path: '/root' }
const busyReport = { steps: [], failures: [busy], leftInOutputs: [] }

it.each<[string, unknown]>([
  ['no object', null],
  ['an object that cannot be read', Object.defineProperty({}, 'size', { enumerable: true, get: () => { throw new Error('no') } })],
])('options of a pool that are %s are refused by their name', async (_what, options) => {
  expect(await rejected(SessionPool.open(base, options as SessionPoolOptions))).toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_SPEC', entry: 'options' })
})

describe.runIf(isSupported)('a pool that is closed', () => {
  it.each([
    ['nothing has to be done', {}],
    ['something may have to be done', { timeout: 10_000 }],
  ])('has waited for its commands, where %s before their end', async (_when, options) => {
    addon.script.behaviour = () => {}
    const pool = await SessionPool.open(base, { size: 1 })
    const running = pool.run({}, ['cc'], options)
    await vi.waitFor(() => expect(addon.launched).toHaveLength(1))
    let isClosed = false
    const closing = pool.close().then(() => (isClosed = true))
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(isClosed).toBe(false)
    addon.exit(addon.launched[0]?.job ?? -1)
    expect((await running).exitCode).toBe(0)
    await closing
    // The one that ran, and what was ready beside it, if anything was.
    expect(addon.acts.filter((act) => act === 'close')).toHaveLength(addon.acts.filter((act) => act === 'open').length)
  })

  it('tells of every session that could not be taken away, and when closed again tries those again', async () => {
    addon.script.behaviour = ({ job }) => addon.exit(job)
    const pool = await SessionPool.open(base, { size: 1 })
    addon.script.closeReport = busyReport
    await pool.run({}, ['cc'])
    await vi.waitFor(() => expect(pool.ready).toBe(1))
    const error = await rejected(pool.close())
    expect(error).toBeInstanceOf(TeardownError)
    const left = { errors: [{ code: 'EBUSY', path: '/root' }] }
    // The one that ran, and the one that was ready instead of it.
    expect(error).toMatchObject({ code: 'ERR_BUILDJAIL_POOL_TEARDOWN', errors: [left, left] })
    addon.script.closeReport = { steps: [], failures: [], leftInOutputs: [] }
    for (const more of [2, 0]) {
      addon.acts = []
      await pool.close()
      expect(addon.acts).toEqual(Array.from({ length: more }, () => 'close'))
    }
  })

  it('has nothing to run in', async () => {
    const pool = await SessionPool.open(base)
    await pool.close()
    expect(await rejected(pool.run({}, ['cc']))).toMatchObject({ code: 'ERR_BUILDJAIL_SESSION_CLOSED' })
    expect(await rejected(pool.acquire())).toMatchObject({ code: 'ERR_BUILDJAIL_SESSION_CLOSED' })
  })
})

describe.runIf(isSupported)('a pool', () => {
  it.each([
    ['of none', { size: 0 }, 'size'],
    ['of no age', { maxAge: 0 }, 'maxAge'],
    ['with an option that there is not', { idle: 3 } as SessionPoolOptions, 'idle'],
  ])('%s is refused', async (_what, options, entry) => {
    await expect(SessionPool.open(base, options)).rejects.toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_SPEC', entry })
    expect(addon.acts).toEqual([])
  })

  it('counts in the duration of a run what its opening took', async () => {
    addon.script.behaviour = ({ job }) => addon.exit(job)
    await using pool = await SessionPool.open(base, { size: 1 })
    await pool.acquire()
    addon.script.launching = () => new Promise((resolve) => setTimeout(resolve, 30))
    for (const options of [{}, { timeout: 10_000 }]) {
      const began = performance.now()
      const { durationMs } = await pool.run({}, ['cc'], options)
      expect(durationMs).toBeGreaterThan(25)
      expect(durationMs).toBeLessThanOrEqual(performance.now() - began)
    }
  })
})

it.runIf(isSupported)('a run of a pool waits for an output no longer than its timeout', async () => {
  await using pool = await SessionPool.open({ ...base, wait: '1m' }, { size: 1 })
  const taken = nativeFailure({ code: 'EBUSY', step: 'output-lease' })
  addon.script.openFailure = taken
  addon.script.completeFailure = taken
  expect(await rejected(pool.run({}, ['cc'], { timeout: 30 }))).toMatchObject({ code: 'ERR_BUILDJAIL_COMMAND_FAILED', timedOut: true })
  expect(addon.launched).toEqual([])
  // `close` waits for the one that is made ready meanwhile.
  addon.script.openFailure = undefined
})

describe.runIf(isSupported)('a pool of which none is ready', () => {
  const quiet = 2
  const besideCommand = 10
  const additions = { env: { A: 'b' } } as const

  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
  afterEach(() => void vi.useRealTimers())

  it.each([
    ['run', (pool: SessionPool) => pool.run(additions, ['cc'])],
    ['acquire', async (pool: SessionPool) => (await pool.acquire(additions)).close()],
  ])('opens a whole session at once, which nothing has to complete (%s)', async (_way, use) => {
    await using pool = await SessionPool.open(base, { size: 1 })
    addon.acts = []
    await use(pool)
    expect(addon.acts).toContain('complete')
    expect(pool.ready).toBe(0)
    addon.acts = []
    await use(pool)
    expect(addon.acts).toContain('open')
    expect(addon.acts).not.toContain('complete')
  })

  it('makes none ready while sessions are asked for and given back one after the other', async () => {
    await using pool = await SessionPool.open(base, { size: 2 })
    for (let run = 0; run < 5; run += 1) {
      await pool.run({}, ['cc'])
      await vi.advanceTimersByTimeAsync(quiet - 1)
    }
    expect(pool.ready).toBe(0)
    await vi.advanceTimersByTimeAsync(quiet + 1)
    await vi.waitFor(() => expect(pool.ready).toBe(2))
  })

  it('makes them ready while what it has opened is in use for longer', async () => {
    await using pool = await SessionPool.open(base, { size: 1 })
    await using session = await pool.acquire()
    await vi.advanceTimersByTimeAsync(quiet + 1)
    await vi.waitFor(() => expect(pool.ready).toBe(1))
    await session.run(['cc'])
  })

  it('makes none beside a short command while another is ready, and waits for no long one', async () => {
    await using pool = await SessionPool.open(base, { size: 2 })
    await vi.waitFor(() => expect(pool.ready).toBe(2))
    await using session = await pool.acquire()
    await vi.advanceTimersByTimeAsync(besideCommand - 1)
    expect(pool.ready).toBe(1)
    await vi.advanceTimersByTimeAsync(2)
    await vi.waitFor(() => expect(pool.ready).toBe(2))
    await session.run(['cc'])
  })

  it('tries again with the next session where one could not be made ready', async () => {
    await using pool = await SessionPool.open(base, { size: 1 })
    const session = await pool.acquire()
    addon.script.openFailure = busy
    await vi.advanceTimersByTimeAsync(quiet * 10)
    expect(pool.ready).toBe(0)
    expect(vi.getTimerCount()).toBe(0)
    addon.script.openFailure = undefined
    await session.close()
    await vi.advanceTimersByTimeAsync(quiet)
    await vi.waitFor(() => expect(pool.ready).toBe(1))
  })

  it('is closed without waiting for one that waits for what another session has', async () => {
    const pool = await SessionPool.open({ ...base, wait: '1m' }, { size: 1 })
    const session = await pool.acquire()
    addon.script.openFailure = { ...busy, step: 'user-lease' }
    const tries = addon.acts.length
    await vi.advanceTimersByTimeAsync(quiet + 1)
    await vi.waitFor(() => expect(addon.acts.slice(tries).filter((act) => act === 'open').length).toBeGreaterThan(1))
    await pool.close()
    await session.close()
  })

  it('does not keep a process that is done', async () => {
    const pool = await SessionPool.open(base, { size: 1 })
    await (await pool.acquire()).close()
    await pool.close()
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe.runIf(isSupported)('a pool of which one session may be in use', () => {
  const open = (more: SessionPoolOptions = {}): Promise<SessionPool> => SessionPool.open(base, { size: 2, maxSessions: 1, ...more })

  it('serves one after the other by the order of their coming, and no other pool waits for that', async () => {
    addon.script.behaviour = () => {}
    await using pool = await open()
    await using other = await open()
    const runs = ['a', 'b', 'c'].map((name) => pool.run({}, [name]))
    const elsewhere = other.run({}, ['d'])
    for (const launched of ['a d', 'a d b', 'a d b c']) {
      await vi.waitFor(() => expect(addon.launched.map(({ argv }) => argv[0]).join(' ')).toBe(launched))
      await new Promise((resolve) => setTimeout(resolve, 20))
      expect(addon.launched.map(({ argv }) => argv[0]).join(' ')).toBe(launched)
      addon.exit(addon.launched.at(-1)?.job ?? -1)
      if (launched === 'a d') addon.exit(addon.launched[0]?.job ?? -1)
    }
    await Promise.all([...runs, elsewhere])
    expect(pool.waiting).toBe(0)
  })

  it('has its place again when the session is taken away, and not when its command ends', async () => {
    await using pool = await open()
    const session = await pool.acquire()
    const next = pool.acquire()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(pool.waiting).toBe(1)
    await session.close()
    const second = await next
    pool.release(second)
    await (await pool.acquire()).close()
  })

  it('has its place again when an addition could not be', async () => {
    await using pool = await open()
    addon.script.completeFailure = busy
    addon.script.behaviour = ({ job }) => addon.exit(job)
    await rejected(pool.acquire())
    await rejected(pool.run({}, ['cc']))
    addon.script.completeFailure = undefined
    await (await pool.acquire()).close()
  })

  it('refuses who waits when it is closed, also for a turn among all sessions of the process', async () => {
    const pool = await open()
    const wide = await SessionPool.open(base)
    const session = await pool.acquire()
    setConcurrency({ maxSessions: 1 })
    try {
      const waiting = [pool.acquire(), pool.run({}, ['cc']), wide.acquire(), wide.run({}, ['cc'])].map((promise) => rejected(promise))
      await new Promise((resolve) => setTimeout(resolve, 20))
      expect([pool.waiting, wide.waiting]).toEqual([2, 2])
      await Promise.all([pool.close(), wide.close()])
      for (const error of await Promise.all(waiting)) expect(error).toMatchObject({ code: 'ERR_BUILDJAIL_SESSION_CLOSED' })
      await session.close()
    } finally {
      setConcurrency()
    }
  })

  it('refuses a run of the turn in which it is closed', async () => {
    const pool = await open()
    const session = await pool.acquire()
    const running = rejected(pool.run({}, ['cc']))
    await pool.close()
    expect(await running).toMatchObject({ code: 'ERR_BUILDJAIL_SESSION_CLOSED' })
    expect([pool.waiting, addon.launched]).toEqual([0, []])
    await session.close()
  })

  it('lets in nobody whose signal was aborted or whose time was over', async () => {
    await using pool = await open()
    const session = await pool.acquire()
    const controller = new AbortController()
    const reason = new Error('no longer wanted')
    const errors = [pool.acquire({}, { signal: controller.signal }), pool.run({}, ['cc'], { signal: controller.signal })].map((promise) => rejected(promise))
    const timedOut = rejected(pool.run({}, ['cc'], { timeout: 20 }))
    await new Promise((resolve) => setTimeout(resolve, 40))
    controller.abort(reason)
    expect(await Promise.all(errors)).toEqual([reason, reason])
    expect(await timedOut).toMatchObject({ timedOut: true })
    await session.close()
    expect(addon.launched).toEqual([])
    await (await pool.acquire()).close()
  })

  it('refuses at once who would be one too many to wait', async () => {
    await using pool = await open({ queue: 1 })
    const session = await pool.acquire()
    const next = pool.acquire()
    expect(await rejected(pool.run({}, ['cc']))).toMatchObject({ code: 'ERR_BUILDJAIL_QUEUE_FULL' })
    expect(await rejected(pool.acquire())).toMatchObject({ code: 'ERR_BUILDJAIL_QUEUE_FULL' })
    await session.close()
    await (await next).close()
  })
})
