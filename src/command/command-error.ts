import { BuildjailError, type ErrorFields } from '../errors.ts'
import type { AnyOutput, Result, Usage } from './result.ts'
import { defaultMaxBuffer, type CheckedRunOptions, type RunOptions } from './run-options.ts'

/** The fields of a result, which the errors of commands that ran have too. */
const resultFields = [
  'command', 'exitCode', 'signal', 'stdout', 'stderr', 'all', 'durationMs', 'failed', 'timedOut', 'isCanceled', 'isTerminated', 'isMaxBuffer', 'usage',
] as const satisfies readonly (keyof Result)[]

/** Gives an error the fields of a result. */
export function carryResult(error: Error, result: Result<AnyOutput>): void {
  for (const key of resultFields) Object.defineProperty(error, key, { value: result[key], enumerable: true })
}

/** A command that ran and did not succeed; it has the fields of its result. The base of one class for each code. */
export abstract class CommandError<Output = AnyOutput> extends BuildjailError implements Result<Output> {
  declare readonly command: string
  declare readonly exitCode: number | undefined
  declare readonly signal: string | undefined
  declare readonly stdout: Output
  declare readonly stderr: Output
  declare readonly all: Output | undefined
  declare readonly durationMs: number
  declare readonly failed: boolean
  declare readonly timedOut: boolean
  declare readonly isCanceled: boolean
  declare readonly isTerminated: boolean
  declare readonly isMaxBuffer: boolean
  declare readonly usage: Usage
  /** The message without the command's output. */
  readonly shortMessage: string

  protected constructor(code: string, result: Result<Output & AnyOutput>, how: string, cause?: unknown) {
    const shortMessage = `${result.command}: ${how}`
    const tail = textOf(result.all ?? result.stderr).trimEnd()
    super(code, tail === '' ? shortMessage : `${shortMessage}\n${tail}`, { step: 'run', cause } satisfies ErrorFields)
    this.shortMessage = shortMessage
    carryResult(this, result)
  }
}

/** A command that failed by itself, was ended by a signal, timed out or was canceled. */
export class CommandFailedError<Output = AnyOutput> extends CommandError<Output> {
  declare readonly code: 'ERR_BUILDJAIL_COMMAND_FAILED'

  /** @param cause the reason of the `signal` that was aborted, where one was */
  constructor(result: Result<Output & AnyOutput>, how: string, cause?: unknown) {
    super('ERR_BUILDJAIL_COMMAND_FAILED', result, how, cause)
  }
}

/** A command that was killed as it wrote more than `maxBuffer`. */
export class MaxBufferError<Output = AnyOutput> extends CommandError<Output> {
  declare readonly code: 'ERR_BUILDJAIL_MAX_BUFFER'

  constructor(result: Result<Output & AnyOutput>, how: string) {
    super('ERR_BUILDJAIL_MAX_BUFFER', result, how)
  }
}

/** A command that was ended as the stream failed which was its `input`; `cause` is the stream's failure. */
export class InputFailedError<Output = AnyOutput> extends CommandError<Output> {
  declare readonly code: 'ERR_BUILDJAIL_INPUT_FAILED'

  constructor(result: Result<Output & AnyOutput>, cause: Error) {
    super('ERR_BUILDJAIL_INPUT_FAILED', result, `its input failed: ${cause.message}`, cause)
  }
}

/** A command that was ended as its output could not be written where a list of targets sends it; `cause` says why. */
export class OutputFailedError<Output = AnyOutput> extends CommandError<Output> {
  declare readonly code: 'ERR_BUILDJAIL_OUTPUT_FAILED'

  constructor(result: Result<Output & AnyOutput>, cause: Error) {
    super('ERR_BUILDJAIL_OUTPUT_FAILED', result, `its output could not be written: ${cause.message}`, cause)
  }
}

/** The error of a command that did not succeed; undefined of one that did, and where that was not to be an error. */
export function errorOf(result: Result<AnyOutput>, ending: EarlyEnd | undefined, options: CheckedRunOptions): CommandError | undefined {
  // Not the command's failure, but that of the caller's own stream or disk.
  if (ending?.inputFailure !== undefined) return new InputFailedError(result, ending.inputFailure)
  if (ending?.outputFailure !== undefined) return new OutputFailedError(result, ending.outputFailure)
  if (!result.failed || options.reject === false) return undefined
  const how = failureOf(result, options)
  if (result.isMaxBuffer) return new MaxBufferError(result, how)
  return new CommandFailedError(result, how, result.isCanceled ? options.signal?.reason : undefined)
}

/** Why a command was ended early, where its result does not say it. */
interface EarlyEnd {
  readonly inputFailure: Error | undefined
  readonly outputFailure: Error | undefined
}

/** For people: why a run did not succeed. */
export function failureOf(result: Result<AnyOutput>, options: Pick<RunOptions, 'timeout' | 'maxBuffer'>): string {
  if (result.timedOut) return `timed out after ${options.timeout} ms`
  if (result.isCanceled) return 'was canceled'
  if (result.isMaxBuffer) return `wrote more than ${options.maxBuffer ?? defaultMaxBuffer} bytes`
  return result.signal === undefined ? `failed with exit code ${result.exitCode}` : `was ended by ${result.signal}`
}

/** For people: how a run went. */
export function howItEnded(result: Result<AnyOutput>, options: Pick<RunOptions, 'timeout' | 'maxBuffer'>): string {
  return result.failed ? failureOf(result, options) : 'succeeded'
}

function textOf(output: AnyOutput): string {
  if (typeof output === 'string') return output
  return Array.isArray(output) ? output.join('\n') : output.toString('utf8')
}
