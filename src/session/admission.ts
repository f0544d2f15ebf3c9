import type { Plan } from '../spec/plan.ts'
import type { SessionQueue, Turn } from './session-queue.ts'

/** A session's turn in several queues, one after the other: its place in one is kept while it waits in the next. */
export class Admission {
  /** Undefined where it has all places at once. As that of a turn, it resolves as well when the wait is given up. */
  readonly ready: Promise<void> | undefined
  #isWaiting = false
  #isOver = false
  readonly #turns: Turn[] = []
  readonly #plan: Plan
  /** Of the plan's `wait`, by performance.now(). */
  readonly #end: number

  constructor(plan: Plan, queues: readonly SessionQueue[]) {
    this.#plan = plan
    this.#end = performance.now() + plan.wait
    const entering = this.#enter(queues)
    if (entering === undefined) return
    this.#isWaiting = true
    this.ready = entering.finally(() => (this.#isWaiting = false))
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Of the plan's `wait`, which is one for everything that is waited for: milliseconds, 0 where it had none. */
  get waitLeft(): number {
    return this.#plan.wait === 0 ? 0 : Math.max(Math.ceil(this.#end - performance.now()), 1)
  }

  /**
   * For who has no other way to give up.
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

  /** It waits no longer. Nothing where it does not wait: its session may be there by now. */
  giveUp(): void {
    if (this.#isWaiting) this.over()
  }

  /** As `giveUp`, and `ready` rejects with the error. */
  refuse(error: Error): void {
    for (const turn of this.#turns) turn.refuse(error)
  }

  /** The session is closed, or will not be opened. Safe to call again. */
  over(): void {
    this.#isOver = true
    for (const turn of this.#turns.splice(0)) turn.over()
  }

  #enter([queue, ...others]: readonly SessionQueue[]): Promise<void> | undefined {
    if (queue === undefined || this.#isOver) return undefined
    const turn = queue.ask({ memory: this.#plan.limits.memory ?? 0, wait: this.waitLeft })
    this.#turns.push(turn)
    return turn.ready === undefined ? this.#enter(others) : turn.ready.then(() => this.#enter(others))
  }
}
