import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'

import { build, openSession, SessionPool, setConcurrency, type Running, type Session } from '../../src/index.ts'
import { expectSameState, hostState } from './host-state.ts'
import { describeSession } from './kernel.ts'
import { rejected } from './rejected.ts'

afterEach(() => setConcurrency())

const isRoot = process.geteuid?.() === 0

// Says that it is there, and stays until it is let go.
const command = ['sh', '-c', 'echo here; cat']

/** Runs that were asked for in this order, and those of them that are there. */
function watched(runs: readonly (() => Running)[]): { readonly there: number[]; letGo(index: number): Promise<void>; readonly over: Promise<unknown> } {
  const there: number[] = []
  const running = runs.map((run, index) => {
    const one = run()
    one.stdout?.once('data', () => there.push(index))
    return one
  })
  const letGo = async (index: number): Promise<void> => {
    running[index]?.stdin?.end()
    await running[index]
  }
  return { there, letGo, over: Promise.all(running) }
}

/** They come in the order in which they were asked for, never more than may be there. */
async function expectInTurn(runs: readonly (() => Running)[], most: number): Promise<void> {
  const { there, letGo, over } = watched(runs)
  for (const index of runs.keys()) {
    const expected = Math.min(most + index, runs.length)
    await expect.poll(() => there.length, { timeout: 20_000 }).toBe(expected)
    // Time in which one too many would come.
    await sleep(100)
    expect(there.toSorted()).toEqual([...runs.keys()].slice(0, expected))
    await letGo(index)
  }
  await over
}

describeSession('how many sessions there are at once', () => {
  test.each([1, 3])('is %i of a pool that may have so many, in the order of their coming', async (maxSessions) => {
    const before = await hostState()
    {
      await using pool = await SessionPool.open({}, { size: 2, maxSessions })
      await expectInTurn(Array.from({ length: 6 }, () => () => pool.run({}, command, { stdin: 'pipe' })), maxSessions)
    }
    await expectSameState(before)
  })

  test.each(['SIGKILL', 'SIGTERM'] as const)('is not waited for by a command that was killed by %s', async (signal) => {
    setConcurrency({ maxSessions: 1 })
    const before = await hostState()
    {
      await using pool = await SessionPool.open({})
      await using session = await openSession({})
      const waiting = [build({}, ['true'], { reject: false }), pool.run({}, ['true'], { reject: false })]
      await sleep(100)
      for (const running of waiting) expect(running.kill(signal)).toBe(true)
      for (const running of waiting) {
        expect(await running).toMatchObject({ signal, isTerminated: true, exitCode: undefined, isCanceled: false })
        expect(running.kill()).toBe(false)
      }
      expect((await session.run(['echo', 'still here'])).stdout).toBe('still here')
    }
    expect((await build({}, ['echo', 'free'])).stdout).toBe('free')
    await expectSameState(before)
  })

  test('is two of a process that may have so many, builds and pools together', async () => {
    setConcurrency({ maxSessions: 2 })
    await using pool = await SessionPool.open({})
    const inBuild = (): Running => build({}, command, { stdin: 'pipe' })
    const inPool = (): Running => pool.run({}, command, { stdin: 'pipe' })
    await expectInTurn([inBuild, inPool, inPool, inBuild, inBuild], 2)
  })

  test('is as many as are asked for where nothing was said', async () => {
    await expectInTurn(Array.from({ length: 5 }, () => () => build({}, command, { stdin: 'pipe' })), 5)
  })

  test('is told to who comes when nobody may wait, and what is refused leaves nothing', async () => {
    setConcurrency({ maxSessions: 1, queue: 0 })
    const before = await hostState()
    {
      await using session = await openSession({})
      expect(await rejected(build({}, ['true']))).toMatchObject({ code: 'ERR_BUILDJAIL_QUEUE_FULL' })
      expect((await session.run(['echo', 'unharmed'])).stdout).toBe('unharmed')
    }
    await expectSameState(before)
    expect((await build({}, ['echo', 'next'])).stdout).toBe('next')
  })

  test('changes nothing of what each tells of itself: records that are asked for at the same time are of their own sessions', async () => {
    const user = { user: 'root' } as const
    const sessions = await Promise.all(Array.from({ length: 6 }, (_, index) => openSession(index % 2 === 0 && isRoot ? user : {})))
    try {
      // The process is another one each time.
      const recordOf = async (session: Session): Promise<object> => ((record) => ({ ...record, process: { ...record.process, pid: 0 } }))(await session.record())
      const alone = []
      for (const session of sessions) alone.push(await recordOf(session))
      for (let round = 0; round < 5; round++) expect(await Promise.all(sessions.map(recordOf))).toEqual(alone)
    } finally {
      await Promise.all(sessions.map((session) => session.close()))
    }
  })
})

describeSession('a program that has this package twice, in a bundle say', () => {
  test('opens sessions by both, at the same time', async () => {
    // Its types are the same, and another module's.
    const twin = (await import('../../dist/index.js')) as unknown as typeof import('../../src/index.ts')
    await using one = await openSession({})
    await using other = await twin.openSession({})
    const said = await Promise.all([one, other, one, other].map((session, index) => session.run(['echo', String(index)])))
    expect(said.map(({ stdout }) => stdout)).toEqual(['0', '1', '2', '3'])
  })
})
