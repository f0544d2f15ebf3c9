import { afterEach, describe, expect, it, vi } from 'vitest'

import { QueueError } from '../../src/errors.ts'
import { SessionQueue, unbounded, type Bounds, type Turn } from '../../src/session/session-queue.ts'
import { rejected } from '../session/rejected.ts'

const small = { memory: 0, wait: 0 }
const queueOf = (bounds: Partial<Bounds>): SessionQueue => new SessionQueue({ ...unbounded, ...bounds })

/** The names of those whose turn has come, in that order. */
function asking(queue: SessionQueue): { turns: Map<string, Turn>; admitted: string[]; ask(name: string, memory?: number): void } {
  const turns = new Map<string, Turn>()
  const admitted: string[] = []
  const ask = (name: string, memory = 0): void => {
    const turn = queue.ask({ memory, wait: 0 })
    turns.set(name, turn)
    if (turn.ready === undefined) admitted.push(name)
    else void turn.ready.then(() => admitted.push(name), () => {})
  }
  return { turns, admitted, ask }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
afterEach(() => vi.useRealTimers())

describe('a queue of sessions', () => {
  it('lets in as many as it may at once, and nobody waits for a promise', () => {
    const queue = queueOf({ sessions: 3 })
    expect([1, 2, 3].map(() => queue.ask(small).ready)).toEqual([undefined, undefined, undefined])
    expect(queue.ask(small).ready).toBeInstanceOf(Promise)
  })

  it('lets the others in by the order of their coming, one for each that goes', async () => {
    const { turns, admitted, ask } = asking(queueOf({ sessions: 2 }))
    for (const name of 'abcdef') ask(name)
    for (const [over, then] of [['b', 'abc'], ['a', 'abcd'], ['d', 'abcde']] as const) {
      turns.get(over)?.over()
      await settled()
      expect(admitted.join('')).toBe(then)
    }
  })

  it('lets nobody past who came later, though there is a place at that moment', async () => {
    const { turns, admitted, ask } = asking(queueOf({ sessions: 1 }))
    ask('a')
    ask('b')
    turns.get('a')?.over()
    // The one before has been told, but has done nothing yet.
    ask('c')
    await settled()
    expect(admitted).toEqual(['a', 'b'])
  })

  it('counts one that says twice that it is over only once', async () => {
    const { turns, admitted, ask } = asking(queueOf({ sessions: 2 }))
    for (const name of 'abcd') ask(name)
    turns.get('a')?.over()
    turns.get('a')?.over()
    await settled()
    turns.get('c')?.over()
    turns.get('c')?.over()
    await settled()
    expect(admitted).toEqual(['a', 'b', 'c', 'd'])
    ask('e')
    await settled()
    expect(admitted).not.toContain('e')
  })

  it('refuses who comes when as many wait as may, and goes on', async () => {
    const queue = queueOf({ sessions: 1, waiting: 1 })
    const { turns, admitted, ask } = asking(queue)
    ask('a')
    ask('b')
    const error = await rejected(queue.ask(small).ready ?? Promise.resolve())
    expect(error).toBeInstanceOf(QueueError)
    expect(error).toMatchObject({ code: 'ERR_BUILDJAIL_QUEUE_FULL', step: 'open', message: 'no session may be opened beside the 1 in use, and 1 wait already' })
    turns.get('a')?.over()
    ask('c')
    turns.get('b')?.over()
    await settled()
    expect(admitted).toEqual(['a', 'b', 'c'])
  })

  it('in which nobody may wait refuses at once', async () => {
    const queue = queueOf({ sessions: 1, waiting: 0 })
    queue.ask(small)
    expect(await rejected(queue.ask(small).ready ?? Promise.resolve())).toBeInstanceOf(QueueError)
  })

  it('is left by one that gives up: it resolves, and the next has its turn', async () => {
    const { turns, admitted, ask } = asking(queueOf({ sessions: 1, waiting: 2 }))
    for (const name of 'abc') ask(name)
    turns.get('b')?.over()
    await expect(turns.get('b')?.ready).resolves.toBeUndefined()
    ask('d')
    turns.get('a')?.over()
    await settled()
    expect(admitted).toEqual(['a', 'b', 'c'])
    turns.get('c')?.over()
    await settled()
    expect(admitted).toEqual(['a', 'b', 'c', 'd'])
  })

  it('tells who waited as long as it may, and nobody who has a place', async () => {
    vi.useFakeTimers()
    const queue = queueOf({ sessions: 1 })
    const first = queue.ask({ memory: 0, wait: 50 })
    const second = queue.ask({ memory: 0, wait: 100 })
    const third = queue.ask({ memory: 0, wait: 100 })
    const error = rejected(third.ready ?? Promise.resolve())
    await vi.advanceTimersByTimeAsync(99)
    first.over()
    await vi.advanceTimersByTimeAsync(1000)
    await expect(second.ready).resolves.toBeUndefined()
    expect(await error).toMatchObject({ code: 'ERR_BUILDJAIL_QUEUE_TIMEOUT' })
    second.over()
    expect(queue.ask(small).ready).toBeUndefined()
  })

  it('tells it as an error of its own', async () => {
    vi.useFakeTimers()
    const queue = queueOf({ sessions: 1 })
    queue.ask(small)
    const error = rejected(queue.ask({ memory: 0, wait: 20 }).ready ?? Promise.resolve())
    await vi.advanceTimersByTimeAsync(20)
    expect(await error).toBeInstanceOf(QueueError)
  })

  it('tells who waits what it is refused for, and nobody who has a place', async () => {
    const { turns, ask } = asking(queueOf({ sessions: 1 }))
    ask('a')
    ask('b')
    const reason = new Error('closed')
    for (const turn of turns.values()) turn.refuse(reason)
    await expect(turns.get('b')?.ready).rejects.toBe(reason)
    ask('c')
    turns.get('a')?.over()
    await expect(turns.get('c')?.ready).resolves.toBeUndefined()
  })

  it('lets in only what fits into memory together, and nobody past a large one', async () => {
    const { turns, admitted, ask } = asking(queueOf({ memory: 100 }))
    ask('a', 60)
    ask('b', 50)
    ask('c', 10)
    await settled()
    expect(admitted).toEqual(['a'])
    turns.get('b')?.over()
    await settled()
    expect(admitted).toEqual(['a', 'b', 'c'])
  })

  it('gives one that is larger than all there is the whole for itself', async () => {
    const { turns, admitted, ask } = asking(queueOf({ memory: 100 }))
    ask('a', 10)
    ask('large', 400)
    ask('b')
    await settled()
    expect(admitted).toEqual(['a'])
    turns.get('a')?.over()
    await settled()
    expect(admitted).toEqual(['a', 'large'])
    turns.get('large')?.over()
    await settled()
    expect(admitted).toEqual(['a', 'large', 'b'])
  })

  it('that is bound otherwise lets in at once who fits now, and keeps who has a place', async () => {
    const queue = queueOf({ sessions: 1 })
    const { turns, admitted, ask } = asking(queue)
    for (const name of 'abcd') ask(name)
    queue.bound({ ...unbounded, sessions: 3 })
    await settled()
    expect(admitted).toEqual(['a', 'b', 'c'])
    queue.bound({ ...unbounded, sessions: 1 })
    turns.get('a')?.over()
    turns.get('b')?.over()
    await settled()
    expect(admitted).toEqual(['a', 'b', 'c'])
    turns.get('c')?.over()
    await settled()
    expect(admitted).toEqual(['a', 'b', 'c', 'd'])
  })
})
