import { availableParallelism } from 'node:os'

import { QueueError } from '../errors.ts'
import { invalid, readInteger, readOptions } from '../spec/check.ts'
import { hostMemory } from '../spec/memory-files.ts'
import type { Plan } from '../spec/plan.ts'

/** What may be in use at once, and how many may wait. */
export interface Bounds {
  readonly sessions: number
  /** Bytes, of all sessions' `limits.memory` together. */
  readonly memory: number
  readonly waiting: number
}

/** What one session takes of it. */
export interface Demand {
  /** Bytes; 0 where it has no such limit. */
  readonly memory: number
  /** Milliseconds that it may wait. 0: as long as it takes. */
  readonly wait: number
}

export function demandOf({ limits = {}, wait = 0 }: { readonly limits: Pick<Plan['limits'], 'memory'> | undefined; readonly wait: number | undefined }): Demand {
  return { memory: limits.memory ?? 0, wait }
}

/** A session's place, or the wait for one. */
export interface Turn {
  /**
   * Undefined if it has a place at once. It resolves also when the caller gives up the wait. It rejects with a QueueError, or with the error
   * given to `refuse`.
   */
  readonly ready: Promise<void> | undefined
  /** Frees the place for the next session, or ends the wait for it. Safe to call again. */
  over(): void
  /** Rejects the waiting with this error. Does nothing if `ready` is settled. */
  refuse(error: Error): void
}

interface Waiting {
  readonly demand: Demand
  readonly admit: () => void
}

export const unbounded: Bounds = { sessions: Infinity, memory: Infinity, waiting: Infinity }

const nothing = (): void => {}

/**
 * Sessions get their turn in the order of their requests. A later, smaller session never overtakes a larger one whose memory is not free yet:
 * otherwise the larger one might wait for ever.
 */
export class SessionQueue {
  #bounds: Bounds
  #inUse = 0
  #memory = 0
  /** In order. */
  readonly #waiting = new Set<Waiting>()

  constructor(bounds: Bounds) {
    this.#bounds = bounds
  }

  /** Sets other bounds. Sessions that wait already go on waiting, even if fewer may. */
  bound(bounds: Bounds): void {
    this.#bounds = bounds
    this.#admitAll()
  }

  ask(demand: Demand): Turn {
    if (this.#waiting.size === 0 && this.#fits(demand)) return { ready: undefined, over: this.#take(demand), refuse: nothing }
    if (this.#waiting.size < this.#bounds.waiting) return this.#wait(demand)
    return { ready: Promise.reject(fullQueue(this.#inUse, this.#waiting.size)), over: nothing, refuse: nothing }
  }

  #wait(demand: Demand): Turn {
    const { promise, resolve, reject } = withResolvers()
    let timer: NodeJS.Timeout | undefined
    let giveBack: (() => void) | undefined
    const leave = (): boolean => {
      clearTimeout(timer)
      return this.#waiting.delete(waiting)
    }
    const refuse = (error: Error): void => {
      if (!leave()) return
      reject(error)
      // It may have been the one that did not fit.
      this.#admitAll()
    }
    const admit = (): void => {
      leave()
      giveBack = this.#take(demand)
      resolve()
    }
    const over = (): void => {
      if (giveBack !== undefined) return giveBack()
      if (!leave()) return
      resolve()
      this.#admitAll()
    }
    const waiting: Waiting = { demand, admit }
    this.#waiting.add(waiting)
    if (demand.wait > 0) timer = setTimeout(() => refuse(new QueueError('ERR_BUILDJAIL_QUEUE_TIMEOUT', `waited ${demand.wait} ms for one of the ${this.#inUse} sessions in use to end`)), demand.wait)
    return { ready: promise, over, refuse }
  }

  /** Gives it back, once. */
  #take({ memory }: Demand): () => void {
    let isTaken = true
    this.#inUse += 1
    this.#memory += memory
    return () => {
      if (!isTaken) return
      isTaken = false
      this.#inUse -= 1
      this.#memory -= memory
      this.#admitAll()
    }
  }

  #admitAll(): void {
    for (const { demand, admit } of this.#waiting) {
      if (!this.#fits(demand)) return
      admit()
    }
  }

  /** One that is larger than all there is gets it for itself. */
  #fits({ memory }: Demand): boolean {
    if (this.#inUse === 0) return true
    return this.#inUse < this.#bounds.sessions && this.#memory + memory <= this.#bounds.memory
  }
}

/** As Promise.withResolvers, which Node has from 22 on. */
function withResolvers(): { promise: Promise<void>; resolve: () => void; reject: (error: Error) => void } {
  let resolve = nothing
  let reject: (error: Error) => void = nothing
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  return { promise, resolve, reject }
}

function fullQueue(inUse: number, waiting: number): QueueError {
  const callers = waiting === 0 ? 'no session may wait' : `${waiting} wait already`
  return new QueueError('ERR_BUILDJAIL_QUEUE_FULL', `no session may be opened beside the ${inUse} in use, and ${callers}`)
}

/** A session's turn in several queues, one after the other: its place in one is kept while it waits in the next. */
export class Admission {
  /** Undefined if it has all places at once. It resolves also when the caller gives up the wait, like that of a turn. */
  readonly ready: Promise<void> | undefined
  #isWaiting = false
  #isOver = false
  #refusal: Error | undefined
  readonly #turns: Turn[] = []
  readonly #demand: Demand
  /** Of the plan's `wait`, by performance.now(). */
  readonly #end: number

  constructor(demand: Demand, queues: readonly SessionQueue[]) {
    this.#demand = demand
    this.#end = performance.now() + demand.wait
    const entering = this.#enter(queues)
    if (entering === undefined) return
    this.#isWaiting = true
    this.ready = entering.finally(() => (this.#isWaiting = false))
    // The plan that is being made meanwhile may be refused before.
    this.ready.catch(nothing)
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Of the plan's `wait`, which is one for everything that is waited for: milliseconds, 0 where it had none. */
  get waitLeft(): number {
    return this.#demand.wait === 0 ? 0 : Math.max(Math.ceil(this.#end - performance.now()), 1)
  }

  /**
   * Waits, for callers that have no other way to give up.
   * @param signal not aborted yet
   * @throws what `ready` rejects with, or the reason of the signal
   */
  async whenReady(signal: AbortSignal | undefined): Promise<void> {
    if (this.ready === undefined) return
    const giveUp = (): void => this.giveUp()
    signal?.addEventListener('abort', giveUp, { once: true })
    try {
      await this.ready
    } finally {
      signal?.removeEventListener('abort', giveUp)
    }
    signal?.throwIfAborted()
  }

  /** Ends the wait. Does nothing if it does not wait: its session may be open by now. */
  giveUp(): void {
    if (this.#isWaiting) this.over()
  }

  /** As `giveUp`, and `ready` rejects with the error. */
  refuse(error: Error): void {
    // It may have a place in one queue already and enter the next only in a microtask.
    this.#refusal = error
    for (const turn of this.#turns) turn.refuse(error)
  }

  /** The session is closed, or will not be opened. Safe to call again. */
  over(): void {
    this.#isOver = true
    for (const turn of this.#turns.splice(0)) turn.over()
  }

  #enter([queue, ...others]: readonly SessionQueue[]): Promise<void> | undefined {
    if (this.#isOver) return undefined
    if (this.#refusal !== undefined) throw this.#refusal
    if (queue === undefined) return undefined
    const turn = queue.ask({ memory: this.#demand.memory, wait: this.waitLeft })
    this.#turns.push(turn)
    return turn.ready === undefined ? this.#enter(others) : turn.ready.then(() => this.#enter(others))
  }
}

export interface Concurrency {
  /**
   * How many sessions may be in use at once; one more waits until another is closed. `auto`: one for each processor of this process, and sessions with
   * `limits.memory` only as many as fit into the host's memory together. Default: any number.
   */
  readonly maxSessions?: number | 'auto'
  /**
   * How many sessions may wait; they get their turn in the order of their requests. One more is refused at once (QueueError). 0: no session waits. Default: any
   * number. It needs `maxSessions`.
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

/** @throws SpecError for a queue without `maxSessions`, in which no session would wait */
export function boundsOf({ maxSessions, queue }: Concurrency): Bounds {
  if (maxSessions === undefined) {
    if (queue !== undefined) throw invalid('queue', 'needs maxSessions: without it no session waits')
    return unbounded
  }
  const waiting = queue ?? Infinity
  return maxSessions === 'auto'
    ? { sessions: availableParallelism(), memory: hostMemory(), waiting }
    : { sessions: maxSessions, memory: Infinity, waiting }
}

/** The queue in which every session of this thread gets its turn. */
export const allSessions: SessionQueue = new SessionQueue(unbounded)

/**
 * Bounds how many sessions of this thread are in use at once: those of `openSession`, of `build` and of all pools together, from opening to closing. One more
 * waits. Sessions that a pool keeps ready do not count. Each call replaces the bounds of the one before; without an option any number may be in use.
 * @throws SpecError
 */
export function setConcurrency(options: Concurrency = {}): void {
  allSessions.bound(boundsOf(readOptions(options, concurrencyReaders, 'setConcurrency') as Concurrency))
}
