import { InvalidCommandError, SpecError } from '../errors.ts'
import { inOneLine } from '../spec/messages.ts'
import { ownCopy } from '../spec/plain-data.ts'
import { longestTimer, readDuration } from '../spec/units.ts'

/** Checks the value of an option, and returns the value to be kept: a copy where the caller could change it. */
export type OptionCheck = (value: unknown, entry: string) => unknown

/**
 * A copy of options: own enumerable ones only, each read once and checked. An unknown option is refused, as it would have no effect:
 * `workingDirectory` for `cwd`, say. The copy has no prototype, so no option is found in a polluted Object.prototype.
 * @throws InvalidCommandError naming the option.
 */
export function copyOptions<Checked>(options: object, checks: Readonly<Record<string, OptionCheck>>): Checked {
  const given = reading('options', () => {
    if (typeof options !== 'object' || options === null || Array.isArray(options)) throw invalid('options', 'must be an object')
    return ownCopy(options) as Record<string, unknown>
  })
  const copy = Object.create(null) as Record<string, unknown>
  for (const [key, value] of Object.entries<unknown>(given)) {
    if (!Object.hasOwn(checks, key)) throw invalid(key, `is not an option; there are ${Object.keys(checks).join(', ')}`)
    if (value !== undefined) copy[key] = reading(key, () => checks[key]?.(value, key))
  }
  return copy as Checked
}

/**
 * A getter or a proxy of the caller's can throw any value.
 * @throws InvalidCommandError
 */
export function reading<T>(entry: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof InvalidCommandError) throw error
    throw invalid(entry, `cannot be read${error instanceof Error ? `: ${error.message}` : ''}`)
  }
}

/** Milliseconds. */
export const checkTimer: OptionCheck = (value, entry) => (typeof value === 'string' ? asOption(() => readDuration(value, entry)) : checkNumber(value, entry, longestTimer))

/**
 * Reads an option of a command like a field of a spec.
 * @throws InvalidCommandError in place of a SpecError
 */
export function asOption<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof SpecError)) throw error
    throw invalid(error.entry, error.message.slice(inOneLine(`${error.entry}: `).length))
  }
}

function checkNumber(value: unknown, entry: string, most: number): number {
  if (typeof value === 'number' && value >= 0 && value <= most) return value
  throw invalid(entry, `must be a number from 0 to ${most}`)
}

export const checkBoolean: OptionCheck = (value, entry) => {
  if (typeof value === 'boolean') return value
  throw invalid(entry, 'must be true or false')
}

/** By its methods: a signal of another realm is no instance of this one's AbortSignal. */
export function isAbortSignal(value: unknown): value is AbortSignal {
  const signal = value as Partial<AbortSignal> | null | undefined
  if (typeof signal?.aborted !== 'boolean') return false
  return [signal.addEventListener, signal.removeEventListener, signal.throwIfAborted].every((method) => typeof method === 'function')
}

export const checkAbortSignal: OptionCheck = (value, entry) => {
  if (isAbortSignal(value)) return value
  throw invalid(entry, 'must be an AbortSignal')
}

export function invalid(entry: string, message: string): InvalidCommandError {
  return new InvalidCommandError(entry, message, 'run')
}

/** A signal by its name, or by the number that the system has for it. */
export type Signal = NodeJS.Signals | number

// Those that Linux and FreeBSD both have, as native/base/signals.cc lists them. Native code looks up the number: a
// JavaScript runtime may take a name for another number than the system does.
const names: ReadonlySet<unknown> = new Set([
  'SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGILL', 'SIGTRAP', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGKILL', 'SIGUSR1',
  'SIGSEGV', 'SIGUSR2', 'SIGPIPE', 'SIGALRM', 'SIGTERM', 'SIGCHLD', 'SIGCONT', 'SIGSTOP', 'SIGTSTP', 'SIGTTIN',
  'SIGTTOU', 'SIGURG', 'SIGXCPU', 'SIGXFSZ', 'SIGPROF', 'SIGVTALRM', 'SIGWINCH', 'SIGIO', 'SIGSYS',
] satisfies NodeJS.Signals[])

/** Of signal(7) and signal(3): the real-time ones are the last. */
const highest = process.platform === 'freebsd' ? 126 : 64

/** @throws InvalidCommandError */
export function checkSignal(signal: unknown, entry = 'signal'): asserts signal is Signal {
  if (names.has(signal) || (Number.isInteger(signal) && (signal as number) >= 1 && (signal as number) <= highest)) return
  const given = typeof signal === 'object' || typeof signal === 'function' ? 'that' : String(signal)
  throw new InvalidCommandError(entry, `${given} is neither the name nor the number of a signal`, 'kill')
}
