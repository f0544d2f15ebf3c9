import type { Command } from '../command/command.ts'
import type { Place } from '../command/place.ts'
import type { AnyOutput, OutputOf, Result } from '../command/result.ts'
import type { RunOptions } from '../command/run-options.ts'
import { Running } from '../command/running.ts'
import type { NativePipes } from '../native/binding.ts'
import { jobError } from '../native/failure.ts'
import type { JobEnd } from '../native/jobs.ts'
import { binding } from '../native/load.ts'
import { nativePlanOf } from '../native/native-plan.ts'
import { packJob, type JobCommand } from '../native/wire-job.ts'
import type { Plan } from '../spec/plan.ts'
import type { Spec } from '../spec/spec.ts'
import { newId } from './id.ts'
import { outputsReturning } from './leaving-outputs.ts'
import { planFor } from './plan-for.ts'
import { Session } from './session.ts'
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
  #plan: Plan | undefined

  constructor(spec: Spec | Plan) {
    this.#spec = spec
  }

  plan(): Plan {
    this.#plan ??= planFor(this.#spec)
    return this.#plan
  }

  ready(): Promise<unknown> | undefined {
    return outputsReturning(this.plan())
  }

  start(job: number, command: JobCommand): NativePipes | undefined {
    return binding().start(nativePlanOf(this.plan()), packJob(job, command, { id: this.#id, rest: undefined, closes: true, tellsStarted: false }))
  }

  over(end: JobEnd | undefined, result: Result<AnyOutput> | undefined): void {
    if (end?.envelope === undefined || end.closed === undefined) return
    const { failures } = end.closed
    if (result === undefined) throw teardownError(this.#id, failures, jobError(end.failure))
    throw new BuildTeardownError(teardownError(this.#id, failures), result, new Session(this.#id, this.plan(), end.envelope))
  }
}
