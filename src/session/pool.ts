import type { Command } from '../command/command.ts'
import type { Place } from '../command/place.ts'
import type { OutputOf } from '../command/result.ts'
import type { RunOptions } from '../command/run-options.ts'
import { Running } from '../command/running.ts'
import { SessionClosedError } from '../errors.ts'
import type { NativeEnvelope } from '../native/binding.ts'
import { binding } from '../native/load.ts'
import { nativeBaseOf } from '../native/native-plan.ts'
import { packJob } from '../native/wire-job.ts'
import { packRest } from '../native/wire-plan.ts'
import { planOf, planOnto, type Plan } from '../spec/plan.ts'
import type { Additions, Spec } from '../spec/spec.ts'
import { InvalidSpecError } from '../spec-errors.ts'
import { newId } from './id.ts'
import { outputsLeave, outputsReturning } from './leaving-outputs.ts'
import { completeEnvelope, openEnvelope } from './opening.ts'
import { Session } from './session.ts'
import { PoolTeardownError } from './teardown.ts'

export interface SessionPoolOptions {
  /** How many envelopes are kept ready. Default: 2. */
  readonly size?: number
  /** Milliseconds after which one that nobody wanted is thrown away for a new one. Default: 60,000. */
  readonly maxAgeMs?: number
}

/** An envelope with everything in it but the additions of one build. */
interface Ready {
  readonly id: string
  readonly envelope: NativeEnvelope
  readonly made: number
}

interface Planned {
  readonly plan: Plan
  /** The steps that the plan has beyond its base, packed. */
  readonly rest: Uint8Array
}

interface Taken {
  readonly session: Session
  /** Not complete yet. */
  readonly envelope: NativeEnvelope
}

/**
 * Sessions of one base, begun before they are wanted: root, toolchain, the base's inputs, /dev, /tmp and the jail or the
 * namespaces are there, and a build that comes mounts only what it adds. Each serves one build and is then taken away like any
 * other; nothing is used twice. New ones are made one at a time, while no session of the pool is in use, or when none is left.
 */
export class SessionPool implements AsyncDisposable {
  readonly #base: Plan
  readonly #size: number
  readonly #maxAgeMs: number
  readonly #expiry: NodeJS.Timeout
  #ready: Ready[] = []
  #inUse = 0
  #refilling: Promise<void> | undefined
  /** Under way, or done; undefined after one that left something. */
  #closing: Promise<void> | undefined
  #isClosed = false
  readonly #acquired = new Set<Session>()
  readonly #running = new Set<Promise<unknown>>()
  readonly #leaving = new Map<Session, Promise<void>>()
  /** Could not be taken away, each with its error; nobody else closes them. */
  readonly #left = new Map<Session, unknown>()

  private constructor(base: Plan, size: number, maxAgeMs: number) {
    this.#base = base
    this.#size = size
    this.#maxAgeMs = maxAgeMs
    // A pool is no reason for a process to go on.
    this.#expiry = setInterval(() => this.#expire(), Math.max(maxAgeMs / 4, 1)).unref()
  }

  /**
   * Makes a pool and fills it.
   * @param base a spec without outputs: those are a build's own.
   * @throws whatever `openSession` throws; nothing is left behind then.
   */
  static async open(base: Spec, options: SessionPoolOptions = {}): Promise<SessionPool> {
    const { size, maxAgeMs } = checkPoolOptions(options)
    const plan = planOf(base)
    const output = plan.mounts.find(({ source, writable }) => source !== undefined && writable)
    if (output !== undefined) {
      throw new InvalidSpecError(output.entry, 'an output is of one build only, so it cannot be of the base of a pool')
    }
    const pool = new SessionPool(plan, size, maxAgeMs)
    try {
      await pool.#fill()
    } catch (error) {
      await pool.close()
      throw error
    }
    return pool
  }

  /** How many are ready. */
  get ready(): number {
    return this.#ready.length
  }

  /**
   * A session of the base and the additions. Waits for nothing where one is ready.
   * @throws SpecError when the addition is refused, SystemCallError when the kernel said no; nothing is left behind then.
   */
  async acquire(additions: Additions = {}): Promise<Session> {
    const { plan, rest } = this.#planned(additions)
    const { session, envelope } = await this.#take(plan)
    try {
      await completeEnvelope(envelope, rest)
      return session
    } catch (error) {
      await session.close()
      throw error
    }
  }

  /**
   * Runs one command in a session of its own: `acquire`, `Session.run` and `release`, in one crossing into native code. The end of the
   * command is the end of the session. It rejects with the errors of these three.
   */
  run<Options extends RunOptions = Record<never, never>>(additions: Additions, command: Command, options?: Options): Running<OutputOf<Options>> {
    return new Running(this.#place(additions), command, options)
  }

  #place(additions: Additions): Place {
    let planned: Planned | undefined
    let taken: Taken | undefined
    let over = (): void => {}
    return {
      plan: () => (planned ??= this.#planned(additions)).plan,
      ready: async () => {
        const running = new Promise<void>((resolve) => (over = resolve))
        this.#running.add(running)
        void running.then(() => this.#running.delete(running))
        if (planned !== undefined) taken = await this.#take(planned.plan)
      },
      start: (job, command) => {
        const frame = { id: '', rest: planned?.rest, closes: false, tellsStarted: false }
        return binding().start((taken as Taken).envelope, packJob(job, command, frame))
      },
      over: () => {
        over()
        if (taken !== undefined) this.release(taken.session)
      },
    }
  }

  /** @throws SpecError, SessionClosedError */
  #planned(additions: Additions): Planned {
    this.#refuseWhenClosed()
    const plan = planOnto(this.#base, additions)
    return { plan, rest: packRest(plan, this.#base) }
  }

  async #take(plan: Plan): Promise<Taken> {
    const returning = outputsReturning(plan)
    if (returning !== undefined) await returning
    this.#refuseWhenClosed()
    const { id, envelope } = this.#ready.shift() ?? (await this.#make())
    this.#inUse += 1
    const session: Session = new Session(id, plan, envelope, () => this.#returned(session))
    this.#acquired.add(session)
    return { session, envelope }
  }

  /**
   * Closes a session that was acquired here while the caller goes on: everything that still runs in it is killed, and its outputs have
   * their owner back, a moment later. A caller that needs to know when awaits the session's own `close` instead. The pool's `close`
   * reports the sessions that could not be taken away.
   * @throws SessionClosedError when the session is not of this pool, or was released already
   */
  release(session: Session): void {
    if (!this.#acquired.delete(session)) {
      throw new SessionClosedError(`session ${session.id} is none of this pool's, or was released`, 'close')
    }
    this.#takeAway(session)
  }

  /**
   * Takes away the sessions that are ready, and waits for the commands of `run` and for the sessions that were released. Sessions that were acquired and not
   * released are their owners' to close.
   * @throws PoolTeardownError of the sessions that could not be taken away, after everything else was. The next call tries them again.
   */
  close(): Promise<void> {
    this.#isClosed = true
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
    await this.#refilling?.catch(() => {})
    for (const ready of this.#ready.splice(0)) this.#throwAway(ready)
    for (const session of this.#left.keys()) this.#takeAway(session)
    await Promise.allSettled(this.#running)
    await Promise.allSettled(this.#leaving.values())
    if (this.#left.size > 0) throw new PoolTeardownError([...this.#left.values()])
  }

  async #make(): Promise<Ready> {
    const id = newId()
    return { id, envelope: await openEnvelope(nativeBaseOf(this.#base), id), made: performance.now() }
  }

  async #fill(): Promise<void> {
    while (this.#ready.length < this.#size && !this.#isClosed) this.#ready.push(await this.#make())
  }

  #returned(session: Session): void {
    this.#acquired.delete(session)
    this.#inUse -= 1
    this.#refill()
  }

  /** A session that cannot be made now is tried again when a caller asks for one. That caller is told why not. */
  #refill(): void {
    const isBusy = this.#inUse > 0 && this.#ready.length > 0
    if (this.#refilling !== undefined || this.#isClosed || isBusy) return
    this.#refilling = this.#fill()
      .catch(() => {})
      .finally(() => (this.#refilling = undefined))
  }

  #expire(): void {
    const oldest = performance.now() - this.#maxAgeMs
    const expired = this.#ready.filter(({ made }) => made < oldest)
    if (expired.length === 0) return
    this.#ready = this.#ready.filter(({ made }) => made >= oldest)
    for (const ready of expired) this.#throwAway(ready)
    this.#refill()
  }

  #throwAway({ id, envelope }: Ready): void {
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
    if (this.#isClosed) throw new SessionClosedError('the pool is closed', 'open')
  }
}

const defaults: Readonly<Required<SessionPoolOptions>> = { size: 2, maxAgeMs: 60_000 }
const most: Readonly<Required<SessionPoolOptions>> = { size: 1000, maxAgeMs: 2 ** 31 - 1 }

/** A copy: own enumerable options only, each read once. */
function checkPoolOptions(options: SessionPoolOptions): Required<SessionPoolOptions> {
  const checked: { -readonly [Name in keyof SessionPoolOptions]-?: number } = { ...defaults }
  for (const [key, value] of Object.entries<unknown>(options as Record<string, unknown>)) {
    if (!Object.hasOwn(defaults, key)) throw new InvalidSpecError(key, 'is not an option of a pool')
    const name = key as keyof SessionPoolOptions
    if (value === undefined) continue
    if (!Number.isInteger(value) || (value as number) < 1 || (value as number) > most[name]) {
      throw new InvalidSpecError(name, `must be a whole number from 1 to ${most[name]}`)
    }
    checked[name] = value as number
  }
  return checked
}
