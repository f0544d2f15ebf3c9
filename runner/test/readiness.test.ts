import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { status } from '@grpc/grpc-js'
import type { Session } from 'buildjail'
import { afterEach, beforeEach, expect, it } from 'vitest'

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
  afterEach(() => rmSync(folder, { recursive: true }))

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

  it('is not had while the runner ends', async () => {
    const readiness = new Readiness(folder, new Leftovers())
    readiness.isDraining = true
    await expect(readiness.check({ path: '' })).rejects.toMatchObject({ code: status.UNAVAILABLE })
  })
})
