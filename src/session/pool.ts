import type { Command } from '../command/command.ts'
import type { Place } from '../command/place.ts'
import type { StdioOf } from '../command/result.ts'
import type { RunOptions } from '../command/run-options.ts'
import { Running } from '../command/running.ts'
import { SessionClosedError, SpecError, TeardownError, type BuildjailError } from '../errors.ts'
import type { NativeEnvelope, NativePlan } from '../native/binding.ts'
import { binding } from '../native/load.ts'
import { nativeBaseOf, nativePlanOf, packRest } from '../native/wire-plan.ts'
import { packJob, plainFrame } from '../native/wire-job.ts'
import { readInteger, readOptions } from '../spec/check.ts'
import { isLent } from '../spec/outputs.ts'
import type { Plan } from '../spec/plan.ts'
import type { Additions, Spec } from '../spec/spec.ts'
import { Admission, allSessions, boundsOf, concurrencyReaders, SessionQueue, type Concurrency } from './session-queue.ts'
import { checkOpenOptions, completeEnvelope, mayCopyInputs, newId, openEnvelope, outputsLeave, outputsReturning, whileTaken, withCopies, withOutputs, type OpenOptions, type Watching } from './opening.ts'
import { planningOfSpec, planningOnto, type Planning } from './planning.ts'
import { watchFor, type LimitWatch } from './limits.ts'
import { aftermathOf, Session } from './session.ts'
import { longestTimer, readMilliseconds, type Duration } from '../spec/units.ts'

/** `maxSessions` and `queue` bound the sessions of this pool; the bounds of `setConcurrency` hold as well. */
export interface SessionPoolOptions extends Concurrency {
  /** How many sessions are kept ready. Default: 2. */
  readonly size?: number
  /** The pool replaces a ready session that nobody took for this long. Default: one minute. */
  readonly maxAge?: Duration
}

/** An envelope; of those that are kept ready, with everything in it but the additions of one build. */
interface Opened {
  readonly id: string
  readonly envelope: NativeEnvelope
  readonly made: number
}

interface Taken {
  readonly session: Session
  readonly envelope: NativeEnvelope
  /** The steps that it lacks, packed; undefined where it is complete. */
  readonly rest: Uint8Array | undefined
  readonly watch: LimitWatch | undefined
}

/**
 * Milliseconds in which no session was acquired or released. Making an envelope beside the opening, a short command or the closing of another session costs
 * that one more time than the next build saves. The pool does not wait for a long command.
 */
const quiet = { sinceGivenBack: 2, besideCommand: 10 } as const

/**
 * Sessions of one base that are begun before a build needs them: root, toolchain, the base's inputs, /dev, /tmp and the jail or the namespaces exist, and a
 * build mounts only what it adds. Each session serves one build and is then closed like any other; nothing is used twice. The pool makes new ones one at a
 * time, when no session was acquired or released for a moment. If none is ready, a build gets a session that is opened as `openSession` does it, which takes
 * less time than to begin one and to add to it.
 */
export class SessionPool implements AsyncDisposable {
  #base: Plan
  readonly #size: number
  readonly #maxAge: number
  readonly #expiry: NodeJS.Timeout
  readonly #queue: SessionQueue
  /** Of the sessions in use. */
  readonly #admissions = new Map<Session, Admission>()
  readonly #waiting = new Set<Admission>()
  #ready: Opened[] = []
  /** When a session was acquired or released last, by performance.now(). */
  #lastDone = 0
  #refill: NodeJS.Timeout | undefined
  #refilling: Promise<void> | undefined
  /** Ends the opening of a session that is to be ready, if it waits or copies. */
  readonly #filling = new AbortController()
  /** Under way, or done; undefined after one that left something. */
  #closing: Promise<void> | undefined
  #isClosed = false
  readonly #acquired = new Set<Session>()
  readonly #running = new Set<Promise<unknown>>()
  readonly #leaving = new Map<Session, Promise<void>>()
  /** Sessions that could not be closed, each with its error; only the pool closes them. */
  readonly #left = new Map<Session, unknown>()

  private constructor(base: Plan, { size, maxAge, ...concurrency }: CheckedOptions) {
    this.#base = base
    this.#queue = new SessionQueue(boundsOf(concurrency))
    this.#size = size
    this.#maxAge = maxAge
    // A pool is no reason for a process to go on.
    this.#expiry = setInterval(() => this.#expire(), Math.max(maxAge / 4, 1)).unref()
  }

  /**
   * Makes a pool and fills it.
   * @param base a spec without outputs: each build has its own.
   * @throws the errors of `openSession`; nothing is left behind then.
   */
  static async open(base: Spec, options: SessionPoolOptions = {}): Promise<SessionPool> {
    const checked = { ...defaults, ...(readOptions(options, readers, 'a pool') as Partial<CheckedOptions>) }
    const plan = await planningOfSpec(base).plan
    const output = plan.mounts.find(isLent)
    if (output !== undefined) {
      throw new SpecError('ERR_BUILDJAIL_INVALID_SPEC', output.entry, 'an output is of one build only, so it cannot be of the base of a pool')
    }
    const pool = new SessionPool(plan, checked)
    try {
      while (pool.ready < pool.#size) await pool.#addReady()
    } catch (error) {
      await pool.close()
      throw error
    }
    return pool
  }

  /** How many sessions are ready. */
  get ready(): number {
    return this.#ready.length
  }

  /** How many callers wait for their turn (`maxSessions`). */
  get waiting(): number {
    return this.#waiting.size
  }

  /**
   * Gives a session of the base and the additions. Does not wait if one is ready and fewer than `maxSessions` are in use.
   * @throws SpecError if the addition is refused, SystemCallError if a system call failed, QueueError, SessionClosedError after `close`, or the reason of the
   * signal; nothing is left behind then.
   */
  async acquire(additions: Additions = {}, options: OpenOptions = {}): Promise<Session> {
    const { makeOutputs, ...watching } = checkOpenOptions(options)
    const { signal } = watching
    const planning = this.#planningOf(additions)
    signal?.throwIfAborted()
    const admission = this.#admission(planning)
    try {
      const plan = await planning.plan
      signal?.throwIfAborted()
      await admission.whenReady(signal)
      const { session } = await this.#takeComplete(await withOutputs(plan, makeOutputs), admission, watching)
      this.#admissions.set(session, admission)
      return session
    } catch (error) {
      admission.over()
      throw signal?.aborted === true ? signal.reason : error
    }
  }

  #admission({ demand }: Planning): Admission {
    const admission = new Admission(demand, [this.#queue, allSessions])
    if (admission.ready !== undefined) {
      this.#waiting.add(admission)
      const waitsNoMore = (): boolean => this.#waiting.delete(admission)
      admission.ready.then(waitsNoMore, waitsNoMore)
      // `run` comes here in a microtask, so after a `close` of the same turn, which has refused the others by then.
      if (this.#isClosed) admission.refuse(poolIsClosed())
    }
    return admission
  }

  /** A session that could not be completed is of no further use: each try takes another. */
  #takeComplete(plan: Plan, admission: Admission, watching: Watching): Promise<Taken> {
    const attempt = async (tried: Plan): Promise<Taken> => {
      const taken = await this.#take(tried, watching)
      try {
        if (taken.rest !== undefined) await completeEnvelope(taken.envelope, taken.rest, watching)
        taken.session.tellOpening()
        return { ...taken, rest: undefined }
      } catch (error) {
        await taken.session.close()
        throw error
      }
    }
    return whileTaken(plan, admission.waitLeft, () => withCopies(plan, attempt), watching.signal)
  }

  /**
   * Runs one command in a session of its own: `acquire`, `Session.run` and `release` in one call. The session ends with the command. The promise rejects with the
   * errors of these three.
   */
  run<Options extends RunOptions = Record<never, never>>(additions: Additions, command: Command, options?: Options): Running<StdioOf<Options>> {
    return new Running(this.#place(additions), command, options)
  }

  #place(additions: Additions): Place {
    let plan: Plan | undefined
    let taken: Taken | undefined
    let admission: Admission | undefined
    let over = (): void => {}
    const opening = new AbortController()
    return {
      get telling() {
        return (taken as Taken).session.telling
      },
      planning: () => {
        const planning = this.#planningOf(additions)
        const running = new Promise<void>((resolve) => (over = resolve))
        this.#running.add(running)
        void running.then(() => this.#running.delete(running))
        // It has the turn of its call, however long planning takes.
        queueMicrotask(() => (admission = this.#admission(planning)))
        return Promise.resolve(planning.plan).then((made) => (plan = made))
      },
      plan: () => plan as Plan,
      ready: async () => {
        if (plan === undefined || admission === undefined) return
        if (admission.ready !== undefined) await admission.ready
        if (admission.isOver) return
        // A refused caller has made nothing.
        plan = await withOutputs(plan)
        taken = await (plan.wait === 0 && !mayCopyInputs(plan) ? this.#take(plan) : this.#takeComplete(plan, admission, { signal: opening.signal }))
        plan = taken.session.plan
        this.#admissions.set(taken.session, admission)
      },
      giveUp: () => {
        admission?.giveUp()
        opening.abort()
      },
      start: (job, command) => {
        const { envelope, rest, watch } = taken as Taken
        const frame = { ...plainFrame, rest }
        watch?.add(job)
        return binding().start(envelope, packJob(job, command, frame))
      },
      limit: () => taken?.watch?.ended,
      noteFailure: () => taken?.session.noteFailure(),
      troubles: (since) => taken?.session.networkTroubles(since) ?? [],
      over: (_, result) => {
        over()
        if (taken === undefined) return void admission?.over()
        const { session } = taken
        this.release(session)
        const isKeeping = plan?.keep !== undefined && result?.failed === true
        if (!isKeeping && (plan?.trace !== true || result === undefined)) return undefined
        // That it could not be taken away is told by the pool's own close.
        return this.#leaving.get(session)?.catch(() => {}).then(() => aftermathOf(session))
      },
    }
  }

  /** @throws SpecError, SessionClosedError */
  #planningOf(additions: Additions): Planning {
    this.#refuseWhenClosed()
    return planningOnto(this.#base, additions)
  }

  async #take(plan: Plan, watching: Watching = {}): Promise<Taken> {
    const returning = outputsReturning(plan)
    if (returning !== undefined) await returning
    this.#refuseWhenClosed()
    const ready = this.#ready.shift()
    const { id, envelope } = ready ?? (await this.#open(nativePlanOf(plan), plan, 0, watching))
    this.#noteDone()
    // Its time begins here, however long it was kept ready.
    const watch = watchFor(id, plan, envelope)
    const session: Session = new Session(id, plan, envelope, watch, () => this.#returned(session))
    this.#acquired.add(session)
    if (ready !== undefined) return { session, envelope, rest: packRest(plan, this.#base), watch }
    session.tellOpening()
    return { session, envelope, rest: undefined, watch }
  }

  /**
   * Closes a session of this pool while the caller goes on: a moment later, everything that still ran in it is killed, and its outputs have their owner back. A
   * caller that needs to know when awaits the session's own `close` instead. The pool's `close` reports the sessions that could not be closed.
   * @throws SessionClosedError if the session is not of this pool, or was released already
   */
  release(session: Session): void {
    if (!this.#acquired.delete(session)) {
      throw new SessionClosedError(`session ${session.id} is none of this pool's, or was released`, 'close')
    }
    this.#takeAway(session)
  }

  /**
   * Refuses callers that wait for a turn (SessionClosedError), closes the sessions that are ready, and waits for the commands of `run` and for the sessions
   * that were released. Sessions that were acquired and not released are for their callers to close.
   * @throws TeardownError of the sessions that could not be closed, after all others were. The next call tries them again.
   */
  close(): Promise<void> {
    this.#isClosed = true
    for (const admission of this.#waiting) admission.refuse(poolIsClosed())
    this.#closing ??= this.#close().catch((error: unknown) => {
      this.#closing = undefined
      throw error
    })
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    clearInterval(this.#expiry)
    clearTimeout(this.#refill)
    this.#filling.abort()
    await this.#refilling
    for (const ready of this.#ready.splice(0)) this.#throwAway(ready)
    for (const session of this.#left.keys()) this.#takeAway(session)
    await Promise.allSettled(this.#running)
    await Promise.allSettled(this.#leaving.values())
    if (this.#left.size > 0) throw new TeardownError('ERR_BUILDJAIL_POOL_TEARDOWN', undefined, [...this.#left.values()] as BuildjailError[])
  }

  /** @param wait milliseconds, where the caller does not do the waiting */
  async #open(native: NativePlan, plan: Plan, wait: number, watching: Watching): Promise<Opened> {
    const id = newId()
    return { id, envelope: await openEnvelope(native, id, plan, wait, watching), made: performance.now() }
  }

  async #addReady(): Promise<void> {
    this.#ready.push(await withCopies(this.#base, (base) => this.#open(nativeBaseOf((this.#base = base)), base, base.wait, { signal: this.#filling.signal })))
  }

  #returned(session: Session): void {
    this.#acquired.delete(session)
    this.#admissions.get(session)?.over()
    this.#admissions.delete(session)
    this.#noteDone()
  }

  #noteDone(): void {
    this.#lastDone = performance.now()
    clearTimeout(this.#refill)
    this.#refill = undefined
    this.#refillWhenQuiet()
  }

  /** A session that cannot be made now is tried again when one is acquired or released. */
  #refillWhenQuiet(): void {
    if (this.#isClosed || this.#refill !== undefined || this.#refilling !== undefined || this.#ready.length >= this.#size) return
    const pause = this.#acquired.size > 0 && this.#ready.length > 0 ? quiet.besideCommand : quiet.sinceGivenBack
    const left = this.#lastDone + pause - performance.now()
    if (left > 0) {
      this.#refill = setTimeout(() => {
        this.#refill = undefined
        this.#refillWhenQuiet()
      }, Math.ceil(left)).unref()
      return
    }
    this.#refilling = this.#refillByOne()
  }

  async #refillByOne(): Promise<void> {
    const began = performance.now()
    let goesOn = true
    try {
      await this.#addReady()
    } catch {
      goesOn = this.#lastDone >= began
    }
    this.#refilling = undefined
    if (goesOn) this.#refillWhenQuiet()
  }

  #expire(): void {
    const oldest = performance.now() - this.#maxAge
    const expired = this.#ready.filter(({ made }) => made < oldest)
    if (expired.length === 0) return
    this.#ready = this.#ready.filter(({ made }) => made >= oldest)
    for (const ready of expired) this.#throwAway(ready)
    this.#refillWhenQuiet()
  }

  #throwAway({ id, envelope }: Opened): void {
    this.#takeAway(new Session(id, this.#base, envelope))
  }

  #takeAway(session: Session): void {
    this.#left.delete(session)
    const leaving = session.close()
    outputsLeave(session.plan, leaving)
    this.#leaving.set(session, leaving)
    leaving.then(
      () => this.#leaving.delete(session),
      (error: unknown) => {
        this.#leaving.delete(session)
        this.#left.set(session, error)
      },
    )
  }

  #refuseWhenClosed(): void {
    if (this.#isClosed) throw poolIsClosed()
  }
}

const poolIsClosed = (): SessionClosedError => new SessionClosedError('the pool is closed', 'open')

type CheckedOptions = Concurrency & { readonly size: number; readonly maxAge: number }

const defaults = { size: 2, maxAge: 60_000 }
const readers: Readonly<Record<keyof SessionPoolOptions, (given: unknown, entry: string) => number | 'auto'>> = {
  ...concurrencyReaders,
  size: (given, entry) => readInteger(given, entry, 1, 1000),
  maxAge: (given, entry) => readMilliseconds(given, entry, 1, longestTimer),
}
