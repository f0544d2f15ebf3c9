import { writeFile } from 'node:fs/promises'

import { failureOf } from '../command/command-error.ts'
import type { Result } from '../command/result.ts'
import type { RunOptions } from '../command/run-options.ts'
import type { TraceEntry } from '../session/record.ts'
import { openSession, type Session } from '../session/session.ts'
import type { RunRequest } from './command-line.ts'
import { Interruption } from './interruption.ts'
import { describeError, jsonLine, jsonText, tell, type Terminal } from './report.ts'
import { statusOf } from './exit-status.ts'

interface Outcome {
  /** Undefined when the command never ran. */
  readonly result: Result | undefined
  readonly trace: readonly TraceEntry[]
  /** Everything that went wrong, in order; a result is kept all the same. */
  readonly errors: readonly unknown[]
}

/** `buildjail run`: one command in a session of its own. Returns the exit status. */
export async function runVerb(request: RunRequest, terminal: Terminal): Promise<number> {
  const interruption = new Interruption()
  try {
    const outcome = await runOnce(request, interruption.signal)
    for (const error of outcome.errors) tell(terminal, error)
    const stopped = interruption.name === undefined ? endingMessage(outcome, request) : interruption.message
    if (stopped !== undefined && !outcome.errors.includes(interruption.signal.reason)) tell(terminal, stopped)
    if (request.isJson) terminal.out(jsonLine(describeOutcome(outcome)))
    return interruption.status ?? statusOf(outcome.result)
  } finally {
    interruption.over()
  }
}

async function runOnce(request: RunRequest, signal: AbortSignal): Promise<Outcome> {
  const session = await openSession(request.spec)
  const errors: unknown[] = []
  const attempt = async <T>(act: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await act()
    } catch (error) {
      errors.push(error)
      return undefined
    }
  }
  const result = await attempt(() => session.run(request.command, runOptions(request, signal)))
  const { record } = request
  if (result !== undefined && record !== undefined) await attempt(() => writeRecord(session, record))
  await attempt(() => session.close())
  return { result, trace: session.trace, errors }
}

function runOptions({ isJson, timeout }: RunRequest, signal: AbortSignal) {
  return {
    stdin: 'inherit',
    stdout: isJson ? 'pipe' : 'inherit',
    stderr: isJson ? 'pipe' : 'inherit',
    ...(timeout === undefined ? {} : { timeout }),
    signal,
    reject: false,
  } as const satisfies RunOptions
}

// For the caller alone: it names paths of the host.
async function writeRecord(session: Session, file: string): Promise<void> {
  await writeFile(file, `${jsonText(await session.record(), 2)}\n`, { mode: 0o600 })
}

/** Said when buildjail ended the command. */
function endingMessage({ result }: Outcome, { timeout }: RunRequest): string | undefined {
  if (result === undefined || !(result.timedOut || result.isMaxBuffer)) return undefined
  return `${result.command}: ${failureOf(result, { ...(timeout !== undefined && { timeout }) })}`
}

function describeOutcome({ result, trace, errors }: Outcome): object {
  const error = errors.length === 0 ? {} : { error: describeError(errors[0]) }
  return result === undefined ? error : { result, trace, ...error }
}
