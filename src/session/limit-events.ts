import type { LimitEvent } from '../events/session-events.ts'
import type { Telling } from '../events/telling.ts'
import type { PlanLimits } from '../spec/plan.ts'
import type { SessionUsage } from './usage.ts'

const near = 0.9
/** Milliseconds. */
const interval = 100
const watched = ['memory', 'processes', 'cpuTime'] as const

/** Looks at what a session uses, for as long as somebody wants to hear of it. */
export class LimitEvents {
  readonly #telling: Telling
  readonly #limits: PlanLimits
  readonly #usage: () => Promise<SessionUsage>
  readonly #opened: number
  readonly #left: Set<LimitEvent['limit']>
  #timer: NodeJS.Timeout | undefined
  #isLooking = false
  #isOver = false

  /** @param opened by performance.now() */
  constructor(telling: Telling, limits: PlanLimits, usage: () => Promise<SessionUsage>, opened: number) {
    this.#telling = telling
    this.#limits = limits
    this.#usage = usage
    this.#opened = opened
    this.#left = new Set(([...watched, 'wallTime'] as const).filter((name) => limits[name] !== undefined))
  }

  /** Somebody listens, or does so no more. */
  look(): void {
    if (this.#isWanted) this.#schedule()
    else this.#stop()
  }

  /** The session is closed. */
  over(): void {
    this.#isOver = true
    this.#stop()
  }

  get #isWanted(): boolean {
    return !this.#isOver && this.#left.size > 0 && this.#telling.hears('limit')
  }

  #stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #schedule(): void {
    if (!this.#isWanted || this.#isLooking || this.#timer !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#isLooking = true
      void this.#lookOnce().finally(() => {
        this.#isLooking = false
        this.#schedule()
      })
    }, Math.min(interval, this.#untilNear)).unref()
  }

  get #untilNear(): number {
    const { wallTime } = this.#limits
    if (wallTime === undefined || !this.#left.has('wallTime')) return interval
    return Math.max(wallTime * near - (performance.now() - this.#opened), 1)
  }

  async #lookOnce(): Promise<void> {
    this.#compare('wallTime', performance.now() - this.#opened)
    if (!watched.some((name) => this.#left.has(name))) return
    // One that is being closed has nothing to tell any more.
    const usage: SessionUsage = await this.#usage().catch(() => ({}))
    for (const name of watched) this.#compare(name, usage[name])
  }

  #compare(limit: LimitEvent['limit'], used: number | undefined): void {
    const most = this.#limits[limit]
    if (!this.#isWanted || most === undefined || used === undefined || used < most * near || !this.#left.delete(limit)) return
    this.#telling.tell('limit', () => ({ limit, used, most }))
  }
}
