import { cpus } from 'node:os'

import { SessionClosedError } from '../errors.ts'
import type { NativeUsage } from '../native/binding.ts'
import { isJobExpected } from '../native/jobs.ts'
import { binding } from '../native/load.ts'
import type { PlanLimits } from '../spec/plan.ts'

/** Milliseconds. */
const shortestLook = 20
const longestTimer = 2 ** 31 - 1
/** Of the host, found once: cpus() reads files about each, which takes longer than a step of opening. */
let processors: number | undefined
/** Of jobs that are over. */
const mostForgotten = 256

/** The session as far as the watch needs it. */
export interface Watched {
  usage(): Promise<NativeUsage>
  killAll(): Promise<void>
}

/** Limits of a session that no kernel holds: how long it is open, and the processor time of all its processes together. */
export type WatchedLimit = 'cpuTime' | 'wallTime'

/**
 * Ends what runs in a session when it comes to such a limit. Its timers are no reason for the program to go on: a command that runs is.
 */
export class LimitWatch {
  readonly #id: string
  readonly #limits: PlanLimits
  readonly #watched: Watched
  readonly #jobs = new Set<number>()
  #wall: NodeJS.Timeout | undefined
  #cpu: NodeJS.Timeout | undefined
  #ended: WatchedLimit | undefined
  #isOver = false

  constructor(id: string, limits: PlanLimits, watched: Watched) {
    this.#id = id
    this.#limits = limits
    this.#watched = watched
    // defence: session-comes-walltime-killed
    if (limits.wallTime !== undefined) this.#wall = setTimeout(() => this.#end('wallTime'), limits.wallTime).unref()
    if (limits.cpuTime !== undefined) this.#lookAfter(limits.cpuTime, limits.cpuTime)
  }

  /** The one that it came to. */
  get ended(): WatchedLimit | undefined {
    return this.#ended
  }

  /**
   * A command that begins. It is ended as well, also where it is not there yet.
   * @throws SessionClosedError where none may begin any more
   */
  add(job: number): void {
    // defence: nothing-starts-session-came
    if (this.#ended !== undefined) throw new SessionClosedError(`session ${this.#id} has come to its limits.${this.#ended} and starts nothing any more`, 'launch', this.#ended)
    if (this.#jobs.size >= mostForgotten) for (const one of this.#jobs) if (!isJobExpected(one)) this.#jobs.delete(one)
    this.#jobs.add(job)
  }

  /** The session is closed, or being closed. */
  over(): void {
    this.#isOver = true
    clearTimeout(this.#wall)
    clearTimeout(this.#cpu)
  }

  /**
   * No sooner than all processors together could have used up what is left: a short build is never looked at. Those of this program may be
   * fewer (taskset(1)).
   */
  #lookAfter(left: number, most: number): void {
    processors ??= cpus().length
    const soonest = left / Math.min(processors, this.#limits.cpus ?? Infinity)
    this.#cpu = setTimeout(() => void this.#look(most), Math.min(Math.max(soonest, shortestLook), longestTimer)).unref()
  }

  async #look(most: number): Promise<void> {
    // One that is being closed is not asked any more, and any other failure is told to who asks (Session.usage).
    const { cpuTime } = await this.#watched.usage().catch((): { readonly cpuTime?: number } => ({}))
    if (this.#isOver) return
    const left = most - (cpuTime ?? 0)
    if (left <= 0) return this.#end('cpuTime')
    this.#lookAfter(left, most)
  }

  #end(limit: WatchedLimit): void {
    this.over()
    this.#ended = limit
    for (const job of this.#jobs) binding().kill(job, 'SIGKILL', 'tree')
    // Also what their commands left behind.
    this.#watched.killAll().catch(() => {})
  }
}

/** Its time begins here. Undefined where there is nothing to watch. */
export function watchFor(id: string, limits: PlanLimits, watched: Watched): LimitWatch | undefined {
  return limits.wallTime === undefined && limits.cpuTime === undefined ? undefined : new LimitWatch(id, limits, watched)
}
