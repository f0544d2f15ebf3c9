import { cpus } from 'node:os'

import { SessionClosedError } from '../errors.ts'
import type { LimitEvent } from '../events/session-events.ts'
import type { Telling } from '../events/telling.ts'
import { isJobExpected } from '../native/jobs.ts'
import { binding } from '../native/load.ts'
import { limitNames, limitTable, type LimitName } from '../spec/fields/limits.ts'
import { isLent } from '../spec/outputs.ts'
import type { Plan, PlanLimits } from '../spec/plan.ts'
import { longestTimer } from '../spec/units.ts'
import type { LimitRecord, SessionUsage } from '../native/record.ts'

/** Milliseconds. */
const shortestLook = 20
/** Processors of the host, found once: cpus() reads files about each, which takes longer than a step of opening. */
let processors: number | undefined
/** The time between two looks at the outputs, in milliseconds, and the share of the time that they may take. */
const outputInterval = 1000
const outputShare = 0.1
/** How many jobs are listed before those that are over are dropped. */
const mostForgotten = 256

/** The session as far as the watch needs it. */
export interface Watched {
  usage(): Promise<SessionUsage>
  killAll(): Promise<void>
}

/** Limits of a session that no kernel holds: how long it is open, the processor time of all its processes together, and what lies in its outputs. */
export type WatchedLimit = 'cpuTime' | 'wallTime' | 'outputSize' | 'outputFiles'

/** Ends everything that runs in a session when it comes to such a limit. Its timers do not keep the program running: a command that runs does. */
export class LimitWatch {
  readonly #id: string
  readonly #limits: PlanLimits
  readonly #watched: Watched
  readonly #jobs = new Set<number>()
  #wall: NodeJS.Timeout | undefined
  #cpu: NodeJS.Timeout | undefined
  #outputs: NodeJS.Timeout | undefined
  #ended: WatchedLimit | undefined
  #isOver = false

  constructor(id: string, { limits, mounts }: Pick<Plan, 'limits' | 'mounts'>, watched: Watched) {
    this.#id = id
    this.#limits = limits
    this.#watched = watched
    // defence: session-comes-walltime-killed
    if (limits.wallTime !== undefined) this.#wall = setTimeout(() => this.#end('wallTime'), limits.wallTime).unref()
    if (limits.cpuTime !== undefined) this.#lookAfter(limits.cpuTime, limits.cpuTime)
    const outputs = mounts.filter(isLent).flatMap(({ source }) => source ?? [])
    if (watchesOutputs(limits) && outputs.length > 0) this.#lookAtOutputsAfter(outputInterval, outputs)
  }

  /** The limit that the session came to. */
  get ended(): WatchedLimit | undefined {
    return this.#ended
  }

  /**
   * Adds a command that begins. The limit ends it as well, also before it runs.
   * @throws SessionClosedError if the session came to its limit already
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
    clearTimeout(this.#outputs)
  }

  /**
   * Looks no sooner than all processors together could have used up what is left, so never at a short build. This program may have fewer of them (taskset(1)).
   */
  #lookAfter(left: number, most: number): void {
    processors ??= cpus().length
    const soonest = left / Math.min(processors, this.#limits.cpus ?? Infinity)
    this.#cpu = setTimeout(() => void this.#look(most), Math.min(Math.max(soonest, shortestLook), longestTimer)).unref()
  }

  async #look(most: number): Promise<void> {
    // A session that is being closed is not asked any more. Session.usage reports any other failure to its caller.
    const { cpuTime } = await this.#watched.usage().catch((): { readonly cpuTime?: number } => ({}))
    if (this.#isOver) return
    const left = most - (cpuTime ?? 0)
    if (left <= 0) return this.#end('cpuTime')
    this.#lookAfter(left, most)
  }

  #lookAtOutputsAfter(ms: number, outputs: readonly string[]): void {
    this.#outputs = setTimeout(() => void this.#lookAtOutputs(outputs), ms).unref()
  }

  async #lookAtOutputs(outputs: readonly string[]): Promise<void> {
    const begun = performance.now()
    // An output that cannot be looked at now may be in the next look.
    const { bytes, files } = await binding().sizeOfOutputs(outputs).catch(() => ({ bytes: 0, files: 0 }))
    if (this.#isOver) return
    // defence: outputs-grow-no-further
    if (bytes > (this.#limits.outputSize ?? Infinity)) return this.#end('outputSize')
    if (files > (this.#limits.outputFiles ?? Infinity)) return this.#end('outputFiles')
    this.#lookAtOutputsAfter(Math.max(outputInterval, (performance.now() - begun) / outputShare), outputs)
  }

  #end(limit: WatchedLimit): void {
    this.over()
    this.#ended = limit
    for (const job of this.#jobs) binding().kill(job, 'SIGKILL', 'tree')
    // Also what their commands left behind.
    this.#watched.killAll().catch(() => {})
  }
}

/** Its time begins here. Undefined if there is nothing to watch. */
export function watchFor(id: string, plan: Pick<Plan, 'limits' | 'mounts'>, watched: Watched): LimitWatch | undefined {
  const { limits } = plan
  return limits.wallTime === undefined && limits.cpuTime === undefined && !watchesOutputs(limits) ? undefined : new LimitWatch(id, plan, watched)
}

function watchesOutputs({ outputSize, outputFiles }: PlanLimits): boolean {
  return outputSize !== undefined || outputFiles !== undefined
}

const near = 0.9
/** Milliseconds. */
const interval = 100
const watched = ['memory', 'processes', 'cpuTime'] as const

/** Whether it has a limit that `limit` events report. */
export function canComeNear(limits: PlanLimits): boolean {
  return limits.wallTime !== undefined || watched.some((name) => limits[name] !== undefined)
}

/** Looks at what a session uses, as long as there is a listener. */
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

  /** A listener came or went. */
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
    // A session that is being closed reports no more usage.
    const usage: SessionUsage = await this.#usage().catch(() => ({}))
    for (const name of watched) this.#compare(name, usage[name])
  }

  #compare(limit: LimitEvent['limit'], used: number | undefined): void {
    const most = this.#limits[limit]
    if (!this.#isWanted || most === undefined || used === undefined || used < most * near || !this.#left.delete(limit)) return
    this.#telling.tell('limit', () => ({ limit, used, most }))
  }
}

/** The limits whose holder is known before a session is open. */
const holders = limitNames.flatMap((limit) => {
  const { isOurs, rlimit } = limitTable[limit]
  const by = isOurs === true ? 'buildjail' : rlimit?.name
  return by === undefined ? [] : [{ limit, by }]
})

/**
 * The limits that every command of a session gets, or that this program holds itself.
 * @param countsCpuTime whether the system says how much processor time the session takes
 */
export function ownLimits(limits: PlanLimits, countsCpuTime: boolean): LimitRecord[] {
  return holders.flatMap(({ limit, by }) => {
    const value = (limits as Partial<Record<LimitName, number>>)[limit]
    if (value === undefined || (limit === 'cpuTime' && !countsCpuTime)) return []
    return [{ limit, value, by }]
  })
}
