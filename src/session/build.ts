import type { Command } from '../command/command.ts'
import type { Aftermath, Place } from '../command/place.ts'
import type { AnyOutput, OutputOf, Result } from '../command/result.ts'
import type { RunOptions } from '../command/run-options.ts'
import { Running } from '../command/running.ts'
import { TeardownError } from '../errors.ts'
import { isPublished, Telling } from '../events/telling.ts'
import type { NativeEnvelope, NativePipes } from '../native/binding.ts'
import { jobError } from '../native/failure.ts'
import type { JobEnd } from '../native/jobs.ts'
import { binding } from '../native/load.ts'
import { nativePlanOf } from '../native/native-plan.ts'
import { packJob, type JobCommand } from '../native/wire-job.ts'
import type { Plan } from '../spec/plan.ts'
import type { Spec } from '../spec/spec.ts'
import { Admission } from './admission.ts'
import { allSessions } from './concurrency.ts'
import { newId } from './id.ts'
import { outputsLeave, outputsReturning } from './leaving-outputs.ts'
import { watchFor, type LimitWatch, type Watched, type WatchedLimit } from './limit-watch.ts'
import { openEnvelope } from './opening.ts'
import { withOutputs } from './made-outputs.ts'
import { planFor } from './plan-for.ts'
import { aftermathOf, Session } from './session.ts'
import { BuildTeardownError, teardownError } from './teardown.ts'

/**
 * One command in a session of its own: open, run, close, which is one crossing into native code and one back. A promise of the command's
 * result, and the running command at the same time; the end of the command is the end of the session. It rejects with the errors of `openSession` and
 * `Session.run`, and with a BuildTeardownError when the command ran but something of the session is left.
 */
export function build<Options extends RunOptions = Record<never, never>>(spec: Spec | Plan, command: Command, options?: Options): Running<OutputOf<Options>> {
  return new Running(new OwnSession(spec), command, options)
}

/** A session that one command has for itself. */
class OwnSession implements Place {
  readonly #spec: Spec | Plan
  readonly #id = newId()
  readonly telling = new Telling(this.#id)
  #plan: Plan | undefined
  /** Before its command, as it may have to be waited for. */
  #opened: NativeEnvelope | undefined
  /** Its session, where it is closed from here. */
  #attended: Session | undefined
  #hasBegun = false
  #watch: LimitWatch | undefined
  #admission: Admission | undefined

  constructor(spec: Spec | Plan) {
    this.#spec = spec
  }

  plan(): Plan {
    this.#plan ??= planFor(this.#spec)
    return this.#plan
  }

  ready(signal: AbortSignal | undefined): Promise<unknown> | undefined {
    const admission = new Admission(this.plan(), [allSessions])
    this.#admission = admission
    if (admission.ready === undefined) return this.#readyToOpen(admission, signal)
    return admission.ready.then(() => (admission.isOver ? undefined : this.#readyToOpen(admission, signal)))
  }

  #readyToOpen(admission: Admission, signal: AbortSignal | undefined): Promise<unknown> | undefined {
    // Who is refused has made nothing.
    const plan = withOutputs(this.plan())
    this.#plan = plan
    const returning = outputsReturning(plan)
    return plan.wait === 0 && !isAttended(plan) ? returning : this.#open(admission, returning, signal)
  }

  async #open(admission: Admission, returning: Promise<unknown> | undefined, signal: AbortSignal | undefined): Promise<void> {
    await returning
    const plan = this.plan()
    this.#opened = await openEnvelope(nativePlanOf(plan), this.#id, plan, admission.waitLeft, signal)
    if (isAttended(plan)) this.#attended = new Session(this.#id, plan, this.#opened, undefined, () => admission.over()).tellOpening()
  }

  start(job: number, command: JobCommand): NativePipes | undefined {
    const frame = { id: this.#opened === undefined ? this.#id : '', rest: undefined, closes: this.#attended === undefined, tellsStarted: false }
    const pipes = binding().start(this.#opened ?? nativePlanOf(this.plan()), packJob(job, command, frame))
    this.#hasBegun = true
    // What else runs in it ends with its command.
    this.#watch = watchFor(this.#id, this.plan().limits, this.#opened ?? sessionOf(job))
    this.#watch?.add(job)
    return pipes
  }

  noteFailure(): void {
    this.#attended?.noteFailure()
  }

  limit(): WatchedLimit | undefined {
    return this.#watch?.ended
  }

  giveUp(): void {
    this.#admission?.giveUp()
  }

  over(end: JobEnd | undefined, result: Result<AnyOutput> | undefined): Promise<Aftermath> | undefined {
    this.#watch?.over()
    if (this.#opened !== undefined && !this.#hasBegun) {
      const session = this.#attended ?? new Session(this.#id, this.plan(), this.#opened, undefined, () => this.#admission?.over())
      outputsLeave(this.plan(), session.close())
      return undefined
    }
    if (this.#attended !== undefined) return closed(this.#attended, result)
    this.#admission?.over()
    const error = this.#left(end, result)
    if (this.#hasBegun) this.telling.tell('close', () => ({ error }))
    if (error !== undefined) throw error
    return undefined
  }

  /** The error of a session of which something is left. */
  #left(end: JobEnd | undefined, result: Result<AnyOutput> | undefined): TeardownError | undefined {
    if (end?.envelope === undefined || end.closed === undefined) return undefined
    const { failures } = end.closed
    if (result === undefined) return teardownError(this.#id, failures, jobError(end.failure))
    return new BuildTeardownError(teardownError(this.#id, failures), result, new Session(this.#id, this.plan(), end.envelope))
  }
}

/** That its command opens: it ends with that. */
function sessionOf(job: number): Watched {
  return { usage: () => binding().usage(job), killAll: () => Promise.resolve() }
}

/** Whether it takes more than its command: then its session is closed from here, and not by native code at the end of its command. */
function isAttended({ keep, limits }: Plan): boolean {
  const { memory, processes, wallTime, cpuTime } = limits
  const hasWatched = memory !== undefined || processes !== undefined || wallTime !== undefined || cpuTime !== undefined
  return keep !== undefined || isPublished('step') || (hasWatched && isPublished('limit'))
}

async function closed(session: Session, result: Result<AnyOutput> | undefined): Promise<Aftermath> {
  try {
    await session.close()
  } catch (error) {
    if (result === undefined || !(error instanceof TeardownError)) throw error
    throw new BuildTeardownError(error, result, session)
  }
  return aftermathOf(session)
}
