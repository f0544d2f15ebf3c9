import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { status } from '@grpc/grpc-js'
import type { Preflight, Session } from 'buildjail'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'

import { Leftovers } from '../src/action/leftovers.ts'
import { Readiness } from '../src/service/readiness.ts'
import { describeAsRoot } from './double/as-root.ts'

/** One that is taken away at the try with that number. */
function stubborn(tries: number): Session {
  let left = tries
  const close = (): Promise<void> => ((left -= 1) > 0 ? Promise.reject(new Error(`is busy ${left}`)) : Promise.resolve())
  return { close } as Partial<Session> as Session
}

describeAsRoot('readiness', () => {
  let folder = ''
  beforeEach(() => {
    folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'buildjail-readiness-')))
  })
  afterEach(() => {
    vi.useRealTimers()
    rmSync(folder, { recursive: true })
  })

  it('is not had while a session could not be taken away, and each question tries again', async () => {
    const leftovers = new Leftovers()
    const readiness = new Readiness(folder, leftovers)
    await readiness.check({ path: '' })
    leftovers.add(stubborn(3), new Error('is busy'))
    leftovers.add(stubborn(1), new Error('is busy'))
    await expect(readiness.check({ path: '' })).rejects.toMatchObject({ code: status.UNAVAILABLE, message: 'is busy 2' })
    await expect(readiness.check({ path: '' })).rejects.toMatchObject({ code: status.UNAVAILABLE, message: 'is busy 1' })
    await readiness.check({ path: '' })
    expect(leftovers.size).toBe(0)
  })

  it('asks the host again after ten seconds, and each time while there is an obstacle', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const obstacle = { check: 'privilege', problem: 'no jail can be made', remedy: 'run it as root' }
    let obstacles = [obstacle]
    let looks = 0
    const look = (): Preflight => {
      looks += 1
      return { isSupported: obstacles.length === 0, obstacles, limitations: [] }
    }
    const readiness = new Readiness(folder, new Leftovers(), look)
    const refused = { code: status.UNAVAILABLE, message: 'no jail can be made; remedy: run it as root' }
    await expect(readiness.check({ path: '' })).rejects.toMatchObject(refused)
    await expect(readiness.check({ path: '' })).rejects.toMatchObject(refused)
    obstacles = []
    await readiness.check({ path: '' })
    obstacles = [obstacle]
    vi.advanceTimersByTime(9999)
    await readiness.check({ path: '' })
    expect(looks).toBe(3)
    vi.advanceTimersByTime(1)
    await expect(readiness.check({ path: '' })).rejects.toMatchObject(refused)
  })

  it('is not had while the runner ends', async () => {
    const readiness = new Readiness(folder, new Leftovers())
    readiness.isDraining = true
    await expect(readiness.check({ path: '' })).rejects.toMatchObject({ code: status.UNAVAILABLE })
  })
})
