import { constants } from 'node:buffer'

import { BuildjailError } from '../errors.ts'
import { checkInput, type Input } from './input.ts'
import type { StdioTarget } from './stdio.ts'

export interface RunOptions {
  /** Added to the session's environment, for this command. */
  readonly env?: Readonly<Record<string, string>>
  /** Inside. Default: the session's. */
  readonly cwd?: string
  /**
   * Given to the command as stdin. Without it, stdin is /dev/null. A stream that fails or is destroyed before its end ends the
   * command, as `signal` does. What the command did not read of it is not read: the stream is destroyed then.
   */
  readonly input?: Input
  /** Where stdin comes from instead of `input`. */
  readonly stdin?: 'inherit' | 'ignore' | { readonly file: string }
  /** `pipe` (default): collected into the result. */
  readonly stdout?: StdioTarget
  readonly stderr?: StdioTarget
  /** Milliseconds, after which every process of the session is killed, other commands too. Default, and 0: none. */
  readonly timeout?: number
  /** On abort the command gets SIGTERM, and SIGKILL after `forceKillAfterDelay`. Aborted before, nothing is started. */
  readonly signal?: AbortSignal
  /** Milliseconds. Default: 5000. */
  readonly forceKillAfterDelay?: number
  /** Bytes kept of stdout and of stderr; a command that writes more is killed. Default: 100 MiB; at most what a string holds. */
  readonly maxBuffer?: number
  /** False: an unsuccessful command resolves like any other. Default: true, it rejects with a CommandError. */
  readonly reject?: boolean
}

export const defaultMaxBuffer: number = 100 * 1024 * 1024

// setTimeout counts in 32 bits, and fires at once when asked for more.
const longestTimer = 2 ** 31 - 1

const checks: Readonly<Record<keyof RunOptions, ((value: unknown, entry: string) => void) | undefined>> = {
  // The command's own, checked where it is packed.
  env: undefined,
  cwd: undefined,
  input: checkInput,
  stdin: (value, entry) => {
    if (value === 'pipe') throw invalid(entry, "must be 'inherit', 'ignore' or { file: path }; what a command is to read is its input")
  },
  stdout: undefined,
  stderr: undefined,
  timeout: (value, entry) => checkNumber(value, entry, longestTimer),
  signal: checkSignal,
  forceKillAfterDelay: (value, entry) => checkNumber(value, entry, longestTimer),
  maxBuffer: (value, entry) => {
    checkNumber(value, entry, constants.MAX_STRING_LENGTH)
    if (!Number.isInteger(value)) throw invalid(entry, 'must be a whole number')
  },
  reject: (value, entry) => {
    if (typeof value !== 'boolean') throw invalid(entry, 'must be true or false')
  },
}

/** @throws BuildjailError `ERR_BUILDJAIL_INVALID_COMMAND` naming the option. */
export function checkRunOptions(options: RunOptions): void {
  checkOptionNames(options, checks)
  for (const [key, value] of Object.entries(options)) {
    if (value !== undefined) checks[key as keyof RunOptions]?.(value, key)
  }
  if (options.input !== undefined && options.stdin !== undefined) throw invalid('stdin', 'cannot be had together with input')
}

/**
 * That nothing is asked for which would be passed over: `workingDirectory` for `cwd`, say.
 * @throws BuildjailError `ERR_BUILDJAIL_INVALID_COMMAND` naming the option.
 */
export function checkOptionNames(options: object, known: Readonly<Record<string, unknown>>): void {
  if (typeof options !== 'object' || options === null) throw invalid('options', 'must be an object')
  for (const key of Object.keys(options)) {
    if (Object.hasOwn(known, key)) continue
    throw invalid(key, `is not an option; there are ${Object.keys(known).join(', ')}`)
  }
}

function checkNumber(value: unknown, entry: string, most: number): void {
  if (typeof value === 'number' && value >= 0 && value <= most) return
  throw invalid(entry, `must be a number from 0 to ${most}`)
}

// One of another realm is as good.
function checkSignal(value: unknown, entry: string): void {
  const signal = value as Partial<AbortSignal> | null
  if (typeof signal?.aborted === 'boolean' && typeof signal.addEventListener === 'function') return
  throw invalid(entry, 'must be an AbortSignal')
}

function invalid(entry: string, message: string): BuildjailError {
  return new BuildjailError('ERR_BUILDJAIL_INVALID_COMMAND', `${entry}: ${message}`, { entry, step: 'run' })
}
