import type { Command } from '../command/command.ts'
import { TeardownError } from '../errors.ts'
import type { Plan } from '../spec/plan.ts'
import { CommandError, isAttended, noOptions, outcomeOf, requestOf, runCommand, type Result, type Runner } from '../command/run.ts'
import type { RunOptions } from '../command/run-options.ts'
import { openSessionWith, runInSessionOfItsOwn, type Session } from './session.ts'
import type { Spec } from '../spec/spec.ts'

/** A session that could not be taken down, after a build that ran: `result` is the build's own. `session.close()` tries again. */
export class BuildTeardownError extends TeardownError {
  readonly result: Result
  readonly session: Session

  constructor(teardown: TeardownError, result: Result, session: Session) {
    super(teardown.id, teardown.errors)
    this.result = result
    // Not enumerable: an error that is printed tells of the build, not of what it ran in.
    this.session = session
    Object.defineProperty(this, 'session', { enumerable: false })
  }
}

/**
 * One command in a session of its own: open, run, close.
 * @throws whatever `openSession` and `Session.run` throw; BuildTeardownError when the command ran but something is left.
 */
export async function build(spec: Spec | Plan, command: Command, options: RunOptions = noOptions): Promise<Result> {
  return isAttended(options) ? buildAttended(spec, command, options) : buildUnattended(spec, command, options)
}

/** Nothing has to be done before the end, so nothing need be heard of before it. */
async function buildUnattended(spec: Spec | Plan, command: Command, options: RunOptions): Promise<Result> {
  const request = requestOf(command, options)
  const started = performance.now()
  const { exit, sinceExitMs, left } = await runInSessionOfItsOwn(request, spec)
  const how = { timedOut: false, isCanceled: false }
  const durationMs = performance.now() - started - sinceExitMs
  if (left === undefined) return outcomeOf(command, options, exit, durationMs, how)
  throw new BuildTeardownError(left.error, outcomeOf(command, { ...options, reject: false }, exit, durationMs, how), left.session)
}

async function buildAttended(spec: Spec | Plan, command: Command, options: RunOptions): Promise<Result> {
  let session: Session | undefined
  const runner: Runner = {
    start: async (request) => {
      const opened = await openSessionWith(request, spec)
      session = opened.session
      return opened.start
    },
    killAll: async () => session?.killAll(),
  }
  let ran: { result: Result } | { error: unknown }
  try {
    ran = { result: await runCommand(runner, command, options) }
  } catch (error) {
    ran = { error }
  }
  try {
    await session?.close()
  } catch (error) {
    const result = 'result' in ran ? ran.result : ran.error instanceof CommandError ? ran.error.result : undefined
    if (session === undefined || result === undefined || !(error instanceof TeardownError)) throw error
    throw new BuildTeardownError(error, result, session)
  }
  if ('error' in ran) throw ran.error
  return ran.result
}
