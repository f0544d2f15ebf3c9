import type { Command } from '../command/command.ts'
import { BuildjailError, SpecError, typed } from '../errors.ts'
import { outputsLeave, outputsReturning } from './leaving-outputs.ts'
import type { NativeEnvelope } from '../native/binding.ts'
import { planOf, planOnto, type Plan } from '../spec/plan.ts'
import { isAttended, noOptions, runCommand, type Result, type Runner } from '../command/run.ts'
import type { RunOptions } from '../command/run-options.ts'
import { openBase, runUnattended, Session } from './session.ts'
import type { Additions, Spec } from '../spec/spec.ts'
import { packRest } from '../native/wire.ts'

export interface SessionPoolOptions {
  /** How many envelopes are kept ready. Default: 2. */
  readonly size?: number
  /** Milliseconds after which one that nobody wanted is thrown away for a new one. Default: 60,000. */
  readonly maxAgeMs?: number
}

/** Sessions of a pool that could not be taken away, one error each. `SessionPool.close` tries again. */
export class PoolTeardownError extends BuildjailError {
  readonly errors: readonly unknown[]

  constructor(errors: readonly unknown[]) {
    super('ERR_BUILDJAIL_TEARDOWN', errors.map((error) => (error instanceof Error ? error.message : String(error))).join('; '), { step: 'close' })
    this.errors = errors
  }
}

/** An envelope with everything in it but what one build adds. */
interface Ready {
  readonly id: string
  readonly envelope: NativeEnvelope
  readonly made: number
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
  /** Could not be taken away, each with why not; nobody else's to close. */
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
    const { size = 2, maxAgeMs = 60_000, ...unknown } = options
    for (const key of Object.keys(unknown)) throw new SpecError('ERR_BUILDJAIL_INVALID_SPEC', key, 'is not an option of a pool')
    checkCount(size, 'size', 1, 1000)
    checkCount(maxAgeMs, 'maxAgeMs', 1, 2 ** 31 - 1)
    const plan = planOf(base)
    const output = plan.mounts.find(({ source, writable }) => source !== undefined && writable)
    if (output !== undefined) {
      throw new SpecError('ERR_BUILDJAIL_INVALID_SPEC', output.entry, 'an output is of one build only, so it cannot be of the base of a pool')
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
   * A session of the base and what is added to it. Waits for nothing where one is ready.
   * @throws SpecError when the addition is refused, SystemCallError when the kernel said no; nothing is left behind then.
   */
  async acquire(additions: Additions = {}): Promise<Session> {
    const { session, envelope, rest } = await this.#take(additions)
    try {
      await envelope.complete(rest)
      return session
    } catch (error) {
      await session.close()
      throw typed(error)
    }
  }

  /**
   * Runs one command in a session of its own: `acquire`, `Session.run` and `release`, in one crossing into native code.
   * @throws whatever these throw
   */
  async run(additions: Additions, command: Command, options: RunOptions = noOptions): Promise<Result> {
    const began = performance.now()
    const running = isAttended(options) ? this.#runAttended(additions, command, options, began) : this.#runUnattended(additions, command, options, began)
    this.#running.add(running)
    return running.finally(() => this.#running.delete(running))
  }

  async #runUnattended(additions: Additions, command: Command, options: RunOptions, began: number): Promise<Result> {
    const { session, envelope, rest } = await this.#take(additions)
    const launch = (packed: Uint8Array): void => envelope.completeAndRun(rest, packed)
    return runUnattended(session.plan, command, options, launch, began).finally(() => this.release(session))
  }

  async #runAttended(additions: Additions, command: Command, options: RunOptions, began: number): Promise<Result> {
    let session: Session | undefined
    const runner: Runner = {
      start: async (request) => {
        session = await this.acquire(additions)
        return session.start(request)
      },
      killAll: async () => session?.killAll(),
    }
    return runCommand(runner, command, options, began).finally(() => session && this.release(session))
  }

  async #take(additions: Additions): Promise<{ session: Session; envelope: NativeEnvelope; rest: Uint8Array }> {
    this.#refuseWhenClosed()
    const plan = planOnto(this.#base, additions)
    const rest = packRest(plan, this.#base)
    const returning = outputsReturning(plan)
    if (returning !== undefined) await returning
    const { id, envelope } = this.#ready.shift() ?? (await this.#make())
    this.#inUse += 1
    const session: Session = new Session(id, plan, envelope, () => this.#returned(session))
    this.#acquired.add(session)
    return { session, envelope, rest }
  }

  /**
   * Closes a session that was acquired here while the caller goes on: what still runs in it is killed, and its outputs have
   * their owner back, a moment later. Who needs to know when awaits the session's own `close` instead. What could not be
   * taken away is told by the pool's `close`.
   * @throws BuildjailError when it is none of this pool's, or was closed already.
   */
  release(session: Session): void {
    if (!this.#acquired.delete(session)) {
      throw new BuildjailError('ERR_BUILDJAIL_SESSION_CLOSED', `session ${session.id} is none of this pool's, or was released`, { step: 'close' })
    }
    this.#takeAway(session)
  }

  /**
   * Takes away what is ready, and waits for commands of `run` and for what was released. Sessions that were acquired and not
   * released are their owners' to close.
   * @throws PoolTeardownError of what could not be taken away, after everything else was. To call it again tries again.
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
    const { id, envelope } = await openBase(this.#base)
    return { id, envelope, made: performance.now() }
  }

  async #fill(): Promise<void> {
    while (this.#ready.length < this.#size && !this.#isClosed) this.#ready.push(await this.#make())
  }

  #returned(session: Session): void {
    this.#acquired.delete(session)
    this.#inUse -= 1
    this.#refill()
  }

  /** What cannot be made now is made when it is asked for, and then says why not. */
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
    if (!this.#isClosed) return
    throw new BuildjailError('ERR_BUILDJAIL_SESSION_CLOSED', 'the pool is closed', { step: 'open' })
  }
}

function checkCount(value: number, entry: string, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return
  throw new SpecError('ERR_BUILDJAIL_INVALID_SPEC', entry, `must be a whole number from ${least} to ${most}`)
}
