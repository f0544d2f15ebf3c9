import { availableParallelism } from 'node:os'

import { invalid, readInteger, readRecord } from '../spec/check.ts'
import { hostMemory } from '../spec/memory-files.ts'
import { SessionQueue, unbounded, type Bounds } from './session-queue.ts'

export interface Concurrency {
  /**
   * How many sessions may be in use at once; one more waits until another is closed. `auto`: as many as there are processors for this
   * process, and of those with `limits.memory` as many as fit into the host's memory together. Default: any number.
   */
  readonly maxSessions?: number | 'auto'
  /**
   * How many may wait; they have their turn in the order in which they came. The next is refused at once (QueueError). 0: nobody
   * waits. Default: any number. It needs `maxSessions`.
   */
  readonly queue?: number
}

const most = 1_000_000

/** Each option of `Concurrency` by its name. */
export const concurrencyReaders: Readonly<Record<keyof Concurrency, (given: unknown, entry: string) => number | 'auto'>> = {
  maxSessions: (given, entry) => {
    if (given === 'auto') return given
    if (typeof given === 'string') throw invalid(entry, `must be 'auto' or a whole number from 1 to ${most}`)
    return readInteger(given, entry, 1, most)
  },
  queue: (given, entry) => readInteger(given, entry, 0, most),
}

/** @throws SpecError for a queue to which nobody would come */
export function boundsOf({ maxSessions, queue }: Concurrency): Bounds {
  if (maxSessions === undefined) {
    if (queue !== undefined) throw invalid('queue', 'needs maxSessions: nobody waits where any number of sessions may be in use')
    return unbounded
  }
  const waiting = queue ?? Infinity
  return maxSessions === 'auto'
    ? { sessions: availableParallelism(), memory: hostMemory(), waiting }
    : { sessions: maxSessions, memory: Infinity, waiting }
}

/** Where every session of this process has its turn. */
export const allSessions: SessionQueue = new SessionQueue(unbounded)

/**
 * Bounds how many sessions of this process are in use at once: those of `openSession`, of `build` and of all pools together, from
 * opening to closing. What is asked for beyond that waits. What a pool keeps ready does not count. It replaces what was said before;
 * without an option any number may be in use again.
 * @throws SpecError
 */
export function setConcurrency(options: Concurrency = {}): void {
  const read: { maxSessions?: number | 'auto'; queue?: number } = {}
  for (const [key, value] of Object.entries(readRecord(options, 'options'))) {
    if (!Object.hasOwn(concurrencyReaders, key)) throw invalid(key, 'is not an option of setConcurrency')
    const name = key as keyof Concurrency
    if (value !== undefined) Object.assign(read, { [name]: concurrencyReaders[name](value, name) })
  }
  allSessions.bound(boundsOf(read))
}
