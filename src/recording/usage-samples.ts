import type { SessionUsage } from '../native/record.ts'
import type { UsageSample } from './run-record.ts'

/** Milliseconds between two samples, at first. */
const firstInterval = 50
/** At so many samples, every other one is dropped and the interval doubles, so a day has no more of them than a minute. */
const mostSamples = 400

/** Samples the usage of a session while commands run in it. */
export class UsageSamples {
  readonly #usage: () => Promise<SessionUsage>
  readonly #also: () => Promise<void>
  readonly #now: () => number
  #samples: UsageSample[] = []
  #interval = firstInterval
  #timer: NodeJS.Timeout | undefined
  #isLooking = false
  #running = 0

  /** @param also looks at something else each time */
  constructor(usage: () => Promise<SessionUsage>, also: () => Promise<void>, now: () => number) {
    this.#usage = usage
    this.#also = also
    this.#now = now
  }

  get all(): readonly UsageSample[] {
    return this.#samples
  }

  /** A command begins. */
  begin(): void {
    this.#running += 1
    if (this.#running === 1) this.#schedule(0)
  }

  /** A command is over. */
  end(): void {
    this.#running -= 1
    if (this.#running > 0) return
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** Takes a sample now. Undefined if the usage is unknown. */
  async look(): Promise<SessionUsage | undefined> {
    const usage = await this.#usage().catch(() => undefined)
    if (usage === undefined || usage.by === undefined) return undefined
    this.#samples.push({ atMs: this.#now(), ...usage })
    if (this.#samples.length >= mostSamples) {
      this.#samples = this.#samples.filter((_, index) => index % 2 === 0)
      this.#interval *= 2
    }
    return usage
  }

  #schedule(delay: number): void {
    if (this.#timer !== undefined || this.#isLooking) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#isLooking = true
      void Promise.allSettled([this.look(), this.#also()]).finally(() => {
        this.#isLooking = false
        if (this.#running > 0) this.#schedule(this.#interval)
      })
    }, delay).unref()
  }
}
