import type { Command } from './command.ts'
import { TeardownError } from './errors.ts'
import type { Plan } from './plan.ts'
import { CommandError, type Result, type RunOptions } from './run.ts'
import { openSession, type Session } from './session.ts'
import type { Spec } from './spec.ts'

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
export async function build(spec: Spec | Plan, command: Command, options: RunOptions = {}): Promise<Result> {
  options.signal?.throwIfAborted()
  const session = await openSession(spec)
  let ran: { result: Result } | { error: unknown }
  try {
    ran = { result: await session.run(command, options) }
  } catch (error) {
    ran = { error }
  }
  try {
    await session.close()
  } catch (error) {
    const result = 'result' in ran ? ran.result : ran.error instanceof CommandError ? ran.error.result : undefined
    throw error instanceof TeardownError && result !== undefined ? new BuildTeardownError(error, result, session) : error
  }
  if ('error' in ran) throw ran.error
  return ran.result
}
