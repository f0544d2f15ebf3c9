import { availableParallelism } from 'node:os'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { boundsOf, setConcurrency, type Concurrency } from '../../src/session/session-queue.ts'
import { build } from '../../src/session/build.ts'
import { SessionPool, type SessionPoolOptions } from '../../src/session/pool.ts'
import { openSession } from '../../src/session/session.ts'
import { hostMemory } from '../../src/spec/memory-files.ts'
import { planOf } from '../../src/spec/plan.ts'
import { rejected } from '../session/rejected.ts'
import { FakeAddon } from './fake-addon.ts'

const addon = new FakeAddon()
vi.mock('../../src/native/load.ts', () => ({ binding: () => addon }))
beforeEach(() => addon.reset())
afterEach(() => setConcurrency())

const isSupported = ((): boolean => {
  try {
    return planOf({ toolchain: 'none' }).version === 1
  } catch {
    return false
  }
})()

const spec = { toolchain: 'none' } as const
const turns = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20))
const count = (act: string): number => addon.acts.filter((each) => each === act).length

describe('what is said of concurrency', () => {
  it('auto is a session for each processor, and memory for all of them together', () => {
    expect(boundsOf({ maxSessions: 'auto', queue: 3 })).toEqual({ sessions: availableParallelism(), memory: hostMemory(), waiting: 3 })
  })

  it('a number is that number, whatever memory there is', () => {
    expect(boundsOf({ maxSessions: 5 })).toEqual({ sessions: 5, memory: Infinity, waiting: Infinity })
  })

  it.each([
    ['none', { maxSessions: 0 }, 'maxSessions'],
    ['a half', { maxSessions: 1.5 }, 'maxSessions'],
    ['a word that there is not', { maxSessions: 'all' as 'auto' }, 'maxSessions'],
    ['a queue of less than none', { maxSessions: 1, queue: -1 }, 'queue'],
    ['a queue to which nobody would come', { queue: 4 }, 'queue'],
    ['an option that there is not', { sessions: 4 } as Concurrency, 'sessions'],
  ])('%s is refused, by the pool as well, and nothing is opened', async (_what, options, entry) => {
    const refused = { code: 'ERR_BUILDJAIL_INVALID_SPEC', entry }
    expect(() => setConcurrency(options)).toThrow(expect.objectContaining(refused) as Error)
    if (isSupported) await expect(SessionPool.open(spec, options as SessionPoolOptions)).rejects.toMatchObject(refused)
    expect(addon.acts).toEqual([])
  })
})

describe.runIf(isSupported)('all sessions of a process', () => {
  it('are as many as are asked for, where nothing was said', async () => {
    const sessions = await Promise.all(Array.from({ length: 50 }, () => openSession(spec)))
    await Promise.all(sessions.map((session) => session.close()))
  })

  it('wait for each other where one may be in use, however they are opened, and are not opened before', async () => {
    setConcurrency({ maxSessions: 1 })
    addon.script.behaviour = () => {}
    await using pool = await SessionPool.open(spec, { size: 1 })
    addon.acts = []
    const first = await openSession(spec)
    const order: string[] = []
    const built = build(spec, ['one']).then(() => order.push('build'))
    const ran = pool.run({}, ['two']).then(() => order.push('pool.run'))
    await turns()
    const acquired = pool.acquire().then((session) => (order.push('pool.acquire'), session.close()))
    const opened = openSession(spec).then((session) => (order.push('openSession'), session.close()))
    await turns()
    expect([count('open'), addon.launched.length, order]).toEqual([1, 0, []])
    await first.close()
    await vi.waitFor(() => expect(addon.launched).toHaveLength(1))
    await turns()
    expect(addon.launched).toHaveLength(1)
    addon.exit(addon.launched[0]?.job ?? -1)
    await vi.waitFor(() => expect(addon.launched).toHaveLength(2))
    expect(addon.launched.map(({ argv }) => argv[0])).toEqual(['one', 'two'])
    addon.exit(addon.launched[1]?.job ?? -1)
    await Promise.all([built, ran, acquired, opened])
    expect(order).toEqual(['build', 'pool.run', 'pool.acquire', 'openSession'])
  })

  it.each([
    ['could not be opened', { openFailure: { code: 'EPERM', errno: -1, syscall: 'clone', step: 'clone', reason: 'refused' } }],
    ['left something behind', { closeReport: { steps: [], failures: [{ code: 'EBUSY', errno: -16, syscall: 'unmount', step: 'unmount', reason: 'busy' }], leftInOutputs: [] } }],
  ])('have the place of one that %s', async (_what, script) => {
    setConcurrency({ maxSessions: 1 })
    for (const open of [() => openSession(spec).then((session) => session.close()), () => build(spec, ['cc'])]) {
      addon.reset({ ...script, behaviour: ({ job }) => addon.exit(job) })
      await rejected(open())
      addon.reset({ behaviour: ({ job }) => addon.exit(job) })
      await (await openSession(spec)).close()
    }
  })

  it('have the place of one whose command was refused', async () => {
    setConcurrency({ maxSessions: 1 })
    await rejected(build(spec, []))
    await rejected(build(spec, ['cc'], { timeout: -1 }))
    await rejected(openSession({ ...spec, wait: -1 }))
    await (await openSession(spec)).close()
  })

  it('take what fits into memory together where that is bounded', async () => {
    setConcurrency({ maxSessions: 'auto' })
    const large = { ...spec, limits: { memory: Math.floor(hostMemory() * 0.6) } }
    const first = await openSession(large)
    const second = openSession(large)
    await turns()
    expect(count('open')).toBe(1)
    await first.close()
    await (await second).close()
  })
})

describe.runIf(isSupported)('one that waits for its turn', () => {
  const aborted = new Error('no longer wanted')

  it.each([
    ['openSession', (signal: AbortSignal) => openSession(spec, { signal })],
    ['build', (signal: AbortSignal) => build(spec, ['cc'], { signal })],
  ])('ends with the reason of its signal (%s), and nothing was opened', async (_name, open) => {
    setConcurrency({ maxSessions: 1 })
    await using first = await openSession(spec)
    const controller = new AbortController()
    const error = rejected(open(controller.signal))
    await turns()
    controller.abort(aborted)
    expect(await error).toBe(aborted)
    expect(count('open')).toBe(1)
    await first.close()
    await (await openSession(spec)).close()
  })

  it('does not even ask where its signal was aborted before', async () => {
    setConcurrency({ maxSessions: 1, queue: 0 })
    await using pool = await SessionPool.open(spec, { maxSessions: 1 })
    const signal = AbortSignal.abort(aborted)
    const ways = [() => openSession(spec, { signal }), () => pool.acquire({}, { signal }), () => build(spec, ['cc'], { signal })]
    for (const open of ways) expect(await rejected(open())).toBe(aborted)
    // Now nobody may wait.
    await using session = await openSession(spec)
    for (const open of ways) expect(await rejected(open())).toBe(aborted)
    await session.close()
  })

  it('ends with its timeout, and nothing was opened', async () => {
    setConcurrency({ maxSessions: 1 })
    await using first = await openSession(spec)
    expect(await rejected(build(spec, ['cc'], { timeout: 20 }))).toMatchObject({ timedOut: true })
    expect(count('open')).toBe(1)
    await first.close()
  })

  it('is ended by the wait of its spec', async () => {
    setConcurrency({ maxSessions: 1 })
    await using first = await openSession(spec)
    for (const open of [() => openSession({ ...spec, wait: 20 }), () => build({ ...spec, wait: 20 }, ['cc'])]) {
      expect(await rejected(open())).toMatchObject({ code: 'ERR_BUILDJAIL_QUEUE_TIMEOUT' })
    }
    expect(count('open')).toBe(1)
    await first.close()
  })

  it('is not begun by a kill, which is for when its turn has come', async () => {
    setConcurrency({ maxSessions: 1 })
    const first = await openSession(spec)
    const running = build(spec, ['cc'], { reject: false, forceKillAfterDelay: 10 })
    await turns()
    running.kill()
    await turns()
    expect([count('open'), addon.launched]).toEqual([1, []])
    addon.reset({ behaviour: ({ job }) => addon.exit(job, { signal: 'SIGTERM' }) })
    await first.close()
    expect(await running).toMatchObject({ signal: 'SIGTERM' })
  })

  it('is refused where the queue is full', async () => {
    setConcurrency({ maxSessions: 1, queue: 1 })
    const first = await openSession(spec)
    const second = openSession(spec)
    for (const open of [() => openSession(spec), () => build(spec, ['cc'])]) {
      expect(await rejected(open())).toMatchObject({ code: 'ERR_BUILDJAIL_QUEUE_FULL' })
    }
    await first.close()
    await (await second).close()
  })

  it.each([
    ['an option that there is not', { abort: 1 }],
    ['a signal that is none', { signal: 'SIGTERM' }],
  ])('is refused with %s', async (_what, options: object) => {
    await expect(openSession(spec, options)).rejects.toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_SPEC', entry: Object.keys(options)[0] })
    expect(addon.acts).toEqual([])
  })
})
