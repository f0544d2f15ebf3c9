import type { Command } from './command.ts'
import { TeardownError } from './errors.ts'
import type { Plan } from './plan.ts'
import { CommandError, runCommand, type Result, type Runner, type RunOptions } from './run.ts'
import { openSessionWith, type Session } from './session.ts'
import type { Spec } from './spec.ts'

/** A session that could not be taken down, after a build that ran: `result` is the build's own. */
export class BuildTeardownError extends TeardownError {
  readonly result: Result

  constructor(teardown: TeardownError, result: Result) {
    super(teardown.id, teardown.errors)
    this.result = result
  }
}

/**
 * One command in a session of its own: open, run, close.
 * @throws whatever `openSession` and `Session.run` throw; BuildTeardownError when the command ran but something is left.
 */
export async function build(spec: Spec | Plan, command: Command, options: RunOptions = {}): Promise<Result> {
  options.signal?.throwIfAborted()
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
    throw error instanceof TeardownError && result !== undefined ? new BuildTeardownError(error, result) : error
  }
  if ('error' in ran) throw ran.error
  return ran.result
}
