import { BuildjailError, typed, type CommandErrorCode, type ErrorFields } from '../errors.ts'
import type { JobEnd } from '../native/jobs.ts'
import { limitTable, type LimitName } from '../spec/fields/limits.ts'
import { inOneLine } from '../spec/messages.ts'
import { keptText, type AnyStdio, type Result } from './result.ts'
import { defaultMaxBuffer, type CheckedRunOptions } from './run-options.ts'

/** Gives an error the fields of a result. */
export function carryResult(error: Error, result: Result<AnyStdio>): void {
  for (const [key, { value, get }] of Object.entries<PropertyDescriptor>(Object.getOwnPropertyDescriptors(result))) {
    // Much output, and hints, are made on first use.
    Object.defineProperty(error, key, { ...(get === undefined ? { value } : { get: () => Reflect.get(result, key) }), enumerable: true })
  }
}

/** A command that ran and did not succeed; it has the fields of its result. */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging -- carryResult defines all of them
export class CommandError<Stdio = AnyStdio> extends BuildjailError {
  declare readonly code: CommandErrorCode
  /** The message without the command's output. */
  readonly shortMessage: string

  /** @param cause the reason of a `signal` that was aborted, or why a stream failed */
  constructor(code: CommandErrorCode, result: Result<Stdio & AnyStdio>, how: string, cause?: unknown) {
    const shortMessage = inOneLine(`${result.command}: ${how}`)
    const tail = textOf(result.all ?? result.stderr).trimEnd()
    super(code, tail === '' ? shortMessage : `${shortMessage}\n${tail}`, { step: 'run', cause } satisfies ErrorFields)
    this.shortMessage = shortMessage
    carryResult(this, result)
  }
}

export interface CommandError<Stdio = AnyStdio> extends Result<Stdio> {}

/** The error of a run. Undefined if the command succeeded, or failed with `reject: false`, and the caller's streams did not fail. */
export function errorOf(result: Result<AnyStdio>, ending: EarlyEnd | undefined, options: CheckedRunOptions): CommandError | undefined {
  // Not the command's failure, but that of the caller's own stream or disk.
  if (ending?.inputFailure !== undefined) return streamError('ERR_BUILDJAIL_STDIN_FAILED', result, 'its input failed', ending.inputFailure)
  if (ending?.outputFailure !== undefined) return streamError('ERR_BUILDJAIL_STDOUT_FAILED', result, 'its stdout or stderr could not be written', ending.outputFailure)
  if (!result.failed || options.reject === false) return undefined
  const how = result.kept === undefined ? failureOf(result, options) : `${failureOf(result, options)}; ${keptText(result.kept)}`
  if (result.isMaxBuffer) return new CommandError('ERR_BUILDJAIL_MAX_BUFFER', result, how)
  return new CommandError('ERR_BUILDJAIL_COMMAND_FAILED', result, how, result.isCanceled ? options.signal?.reason : undefined)
}

function streamError(code: CommandErrorCode, result: Result<AnyStdio>, what: string, cause: Error): CommandError {
  return new CommandError(code, result, `${what}: ${cause.message}`, cause)
}

/** Why a command was ended early, where its result does not say it. */
export interface EarlyEnd {
  readonly inputFailure: Error | undefined
  readonly outputFailure: Error | undefined
}

/** The failures of its streams here, or else the failures of its files in native code. */
export function failuresOf(end: JobEnd, here: EarlyEnd | undefined): EarlyEnd {
  return { inputFailure: here?.inputFailure ?? errorIn(end.inputFailure), outputFailure: here?.outputFailure ?? errorIn(end.outputFailure) }
}

function errorIn(failure: unknown): Error | undefined {
  return failure === undefined ? undefined : (typed(failure) as Error)
}

/**
 * For people: why a run did not succeed.
 * @param nameOf how a limit is named
 */
export function failureOf(result: Result<AnyStdio>, options: Pick<CheckedRunOptions, 'timeout' | 'maxBuffer'>, nameOf: (limit: LimitName) => string = (limit) => `limits.${limit}`): string {
  if (result.timedOut) return `timed out after ${options.timeout} ms`
  if (result.isCanceled) return 'was canceled'
  if (result.isMaxBuffer) return `wrote more than ${options.maxBuffer ?? defaultMaxBuffer} bytes`
  if (result.limit !== undefined) return `${limitTable[result.limit].failure} ${nameOf(result.limit)} lets it`
  return result.signal === undefined ? `failed with exit code ${result.exitCode}` : `was ended by ${result.signal}`
}

/** For people: the outcome of a run. */
export function howItEnded(result: Result<AnyStdio>, options: Pick<CheckedRunOptions, 'timeout' | 'maxBuffer'>): string {
  return result.failed ? failureOf(result, options) : 'succeeded'
}

function textOf(output: AnyStdio): string {
  if (typeof output === 'string') return output
  return Array.isArray(output) ? output.join('\n') : output.toString('utf8')
}
