import { carryResult } from '../command/command-error.ts'
import type { Command } from '../command/command.ts'
import type { NetworkTrouble } from '../command/hint-evidence.ts'
import type { Aftermath, Place } from '../command/place.ts'
import type { AnyStdio, StdioOf, Result } from '../command/result.ts'
import type { RunOptions } from '../command/run-options.ts'
import { Running } from '../command/running.ts'
import { TeardownError, type BuildTeardownErrorCode } from '../errors.ts'
import { Telling } from '../events/telling.ts'
import type { NativeEnvelope, NativePipes } from '../native/binding.ts'
import { jobError, type JobEnd } from '../native/jobs.ts'
import { binding } from '../native/load.ts'
import { nativePlanOf } from '../native/wire-plan.ts'
import { packJob, plainFrame, type JobCommand } from '../native/wire-job.ts'
import type { Plan } from '../spec/plan.ts'
import type { Spec } from '../spec/spec.ts'
import { Admission, allSessions, type Demand } from './session-queue.ts'
import { lacksOutputs, mayCopyInputs, newId, openEnvelope, outputsReturning, withCopies, withOutputs } from './opening.ts'
import { networkEventsOf, type NetworkEvents } from './network-events.ts'
import { planningOf } from './planning.ts'
import { LimitEvents, watchFor, type LimitWatch, type Watched, type WatchedLimit } from './limits.ts'
import { aftermathOf, Session, teardownError, tellSteps } from './session.ts'

/**
 * Runs one command in a session of its own: opens it, runs the command and closes it. It returns a promise of the command's result and the running command
 * at the same time. The session ends with the command. The promise rejects with the errors of `openSession` and `Session.run`. It rejects with a
 * BuildTeardownError if there is a result, also that of a command that was ended before it began, but something of the session is left.
 */
export function build<Options extends RunOptions = Record<never, never>>(spec: Spec | Plan, command: Command, options?: Options): Running<StdioOf<Options>> {
  return new Running(new OwnSession(spec), command, options)
}

/** Something of the session is left after a `build` that has a result. The error has the fields of the result, whether or not the command succeeded. */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging -- carryResult defines all of them
export class BuildTeardownError<Stdio = AnyStdio> extends TeardownError {
  declare readonly code: BuildTeardownErrorCode
  declare readonly id: string
  readonly session: Session

  constructor(teardown: TeardownError, result: Result<Stdio & AnyStdio>, session: Session) {
    super('ERR_BUILDJAIL_BUILD_TEARDOWN', teardown.id, teardown.errors)
    carryResult(this, result)
    // Not enumerable: a printed error is about the build, not about the session that it ran in.
    this.session = session
    Object.defineProperty(this, 'session', { enumerable: false })
  }
}

export interface BuildTeardownError<Stdio = AnyStdio> extends Result<Stdio> {}

/**
 * A session that one command has for itself. The command's job opens and closes it, unless the plan asks for more: before the command, to wait for another
 * session (`wait`) or to copy an input (`mayCopyInputs`); after it, to keep files (`keep`) or to read a trace. Then this class opens and closes it.
 */
class OwnSession implements Place {
  readonly #spec: Spec | Plan
  readonly #id = newId()
  readonly telling = new Telling(this.#id)
  // `planning`, which comes first (Place), sets both: the demand at once, the plan when its promise has resolved.
  #demand!: Demand
  #plan!: Plan
  #opened: { readonly session: Session; readonly envelope: NativeEnvelope } | undefined
  #hasBegun = false
  #watch: LimitWatch | undefined
  #limitEvents: LimitEvents | undefined
  #networkEvents: NetworkEvents | undefined
  #admission: Admission | undefined
  readonly #opening = new AbortController()

  constructor(spec: Spec | Plan) {
    this.#spec = spec
  }

  planning(): Promise<unknown> | undefined {
    const { demand, plan } = planningOf(this.#spec)
    this.#demand = demand
    if (!(plan instanceof Promise)) {
      this.#plan = plan
      return undefined
    }
    // Sessions take their turns in the order of the calls of `build`. So this one takes its turn before its plan is ready.
    queueMicrotask(() => this.#enter())
    return plan.then((made) => (this.#plan = made))
  }

  plan(): Plan {
    return this.#plan
  }

  #enter(): Admission {
    this.#admission ??= new Admission(this.#demand, [allSessions])
    return this.#admission
  }

  ready(): Promise<unknown> | undefined {
    const admission = this.#enter()
    if (admission.ready === undefined) return this.#readyToOpen(admission)
    return admission.ready.then(() => (admission.isOver ? undefined : this.#readyToOpen(admission)))
  }

  #readyToOpen(admission: Admission): Promise<unknown> | undefined {
    const plan = this.plan()
    const isOpenedHere = plan.wait !== 0 || plan.keep !== undefined || plan.trace || mayCopyInputs(plan)
    return isOpenedHere || lacksOutputs(plan) ? this.#prepare(isOpenedHere, admission) : outputsReturning(plan)
  }

  async #prepare(isOpenedHere: boolean, admission: Admission): Promise<void> {
    // Only now: a command that is refused has made no folder.
    this.#plan = await withOutputs(this.plan())
    await outputsReturning(this.#plan)
    if (!isOpenedHere) return
    const envelope = await withCopies(this.#plan, (plan) => openEnvelope(nativePlanOf((this.#plan = plan)), this.#id, plan, admission.waitLeft, { signal: this.#opening.signal }))
    this.#opened = { envelope, session: new Session(this.#id, this.#plan, envelope, undefined, () => admission.over()).tellOpening() }
  }

  start(job: number, command: JobCommand): NativePipes | undefined {
    const { limits } = this.plan()
    const envelope = this.#opened?.envelope
    const frame = envelope === undefined ? { ...plainFrame, id: this.#id, closes: true, tellsSteps: this.telling.hears('step') } : plainFrame
    // If the session is open already, its Session listens.
    if (envelope === undefined) this.#networkEvents = networkEventsOf(this.#id, this.plan(), this.telling)
    const pipes = binding().start(envelope ?? nativePlanOf(this.plan()), packJob(job, command, frame))
    this.#hasBegun = true
    this.#watch = watchFor(this.#id, this.plan(), envelope ?? sessionOf(job))
    this.#watch?.add(job)
    if (envelope === undefined && this.telling.hears('limit')) {
      this.#limitEvents = new LimitEvents(this.telling, limits, () => binding().usage(job), performance.now())
      this.#limitEvents.look()
    }
    return pipes
  }

  noteFailure(): void {
    this.#opened?.session.noteFailure()
  }

  troubles(since: number): readonly NetworkTrouble[] {
    return this.#opened?.session.networkTroubles(since) ?? this.#networkEvents?.troubles(since) ?? []
  }

  limit(): WatchedLimit | undefined {
    return this.#watch?.ended
  }

  giveUp(): void {
    this.#admission?.giveUp()
    this.#opening.abort()
  }

  over(end: JobEnd | undefined, result: Result<AnyStdio> | undefined): Promise<Aftermath> | undefined {
    this.#watch?.over()
    this.#limitEvents?.over()
    this.#networkEvents?.over()
    const session = this.#opened?.session
    // Also one in which no command began: the caller hears what is left of it.
    if (session !== undefined) return closed(session, result)
    this.#admission?.over()
    if (!this.#hasBegun) return undefined
    tellSteps(this.telling, 'open', end?.opened ?? [])
    tellSteps(this.telling, 'close', end?.closed?.steps ?? [])
    const error = this.#left(end, result)
    this.telling.tell('close', () => ({ error }))
    if (error !== undefined) throw error
    return undefined
  }

  /** The error of a session of which something is left. */
  #left(end: JobEnd | undefined, result: Result<AnyStdio> | undefined): TeardownError | undefined {
    if (end?.envelope === undefined || end.closed === undefined) return undefined
    const { failures } = end.closed
    if (result === undefined) return teardownError(this.#id, failures, jobError(end.failure))
    return new BuildTeardownError(teardownError(this.#id, failures), result, new Session(this.#id, this.plan(), end.envelope))
  }
}

/** The session that the job of a command opens. It ends with the command, so there is nothing else to kill. */
function sessionOf(job: number): Watched {
  return { usage: () => binding().usage(job), killAll: () => Promise.resolve() }
}

async function closed(session: Session, result: Result<AnyStdio> | undefined): Promise<Aftermath> {
  try {
    await session.close()
  } catch (error) {
    if (result === undefined || !(error instanceof TeardownError)) throw error
    throw new BuildTeardownError(error, result, session)
  }
  return await aftermathOf(session)
}
