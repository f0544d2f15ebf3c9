import { QueueError } from '../errors.ts'

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

/** A session's place, or the wait for one. */
export interface Turn {
  /**
   * Undefined where it has a place at once. It resolves as well when the wait is given up. It rejects with a QueueError, a
   * QueueError, or what `refuse` was given.
   */
  readonly ready: Promise<void> | undefined
  /** The place is free for the next, or nobody waits for it any more. Safe to call again. */
  over(): void
  /** Who waits for it is told this. Nothing where nobody does. */
  refuse(error: Error): void
}

interface Waiting {
  readonly demand: Demand
  readonly admit: () => void
}

export const unbounded: Bounds = { sessions: Infinity, memory: Infinity, waiting: Infinity }

const nothing = (): void => {}

/**
 * Sessions have their turn in the order in which they were asked for. Nobody is let past who came later, also where a smaller session
 * would find its memory sooner: else a large one might wait for ever.
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

  /** Others from now on. Who waits already goes on waiting, also where fewer may. */
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
  const callers = waiting === 0 ? 'nobody may wait' : `${waiting} wait already`
  return new QueueError('ERR_BUILDJAIL_QUEUE_FULL', `no session may be opened beside the ${inUse} in use, and ${callers}`)
}
