import { beforeEach, describe, expect, it, vi } from 'vitest'

import type { NativeFailure } from '../../src/errors.ts'
import { planOf } from '../../src/spec/plan.ts'
import { SessionPool, type SessionPoolOptions } from '../../src/session/pool.ts'
import { PoolTeardownError } from '../../src/session/teardown.ts'
import { rejected } from '../session/rejected.ts'
import { FakeAddon } from './fake-addon.ts'

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
const busyReport = { trace: [], failures: [busy] }

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
    const error = await rejected(pool.close())
    expect(error).toBeInstanceOf(PoolTeardownError)
    const left = { errors: [{ code: 'EBUSY', path: '/root' }] }
    // The one that ran, and the one that was ready instead of it.
    expect(error).toMatchObject({ code: 'ERR_BUILDJAIL_POOL_TEARDOWN', errors: [left, left] })
    addon.script.closeReport = { trace: [], failures: [] }
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
    ['of no age', { maxAgeMs: 0 }, 'maxAgeMs'],
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
