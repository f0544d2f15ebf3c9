import { CommandError } from '../command/command-error.ts'
import { BindingNotFoundError, TeardownError, type BuildjailError, type LimitUnsupportedError } from '../errors.ts'
import { inOneLine } from '../spec/readable.ts'
import type { Place } from './spec-file.ts'
import { plain, type Style } from './style.ts'

/** Where the command line writes: stdout and stderr of the program, or strings that a test collects. */
export interface Terminal {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  /** How words are set off in each. Default: not at all. */
  readonly style?: { readonly out: () => Style; readonly err: () => Style }
}

/** Of stdout. */
export function styleOf({ style }: Terminal): Style {
  return style?.out() ?? plain
}

export function tell(terminal: Terminal, problem: unknown): void {
  const { bad } = terminal.style?.err() ?? plain
  terminal.err(`${bad('buildjail:')} ${textOf(problem)}\n`)
}

/** Nothing that others chose begins a line that looks like one of ours. What was tried to load the native code is a list. */
function textOf(problem: unknown): string {
  if (problem instanceof BindingNotFoundError) return problem.message
  // A command's own output comes after it, and was passed on.
  if (problem instanceof CommandError) return problem.shortMessage
  return inOneLine(problem instanceof Error ? problem.message : String(problem))
}

/** The stable fields of an error, for programs. JSON leaves out those that the error lacks. */
export function describeError(error: unknown): Readonly<Record<string, unknown>> {
  if (!(error instanceof Error)) return { message: String(error) }
  const { code, message, step, syscall, errno, path, dest, entry, limit, detail, holders, remedy, place } = error as Partial<BuildjailError & LimitUnsupportedError & { readonly place: Place }> & Error
  const errors = error instanceof TeardownError ? error.errors.map(describeError) : undefined
  return { code, message, step, syscall, errno, path, dest, entry, limit, detail, holders, remedy, ...place, errors }
}

export function errorJson(error: unknown): string {
  return jsonLine({ error: describeError(error) })
}

export function jsonLine(value: unknown): string {
  return `${jsonText(value)}\n`
}

// Of a terminal, and not of JSON.stringify: DEL and the controls of one byte beyond it (ECMA-48, C1), what turns the direction of writing or
// is not seen, and other ends of lines.
const unseen = /[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/gu

/**
 * JSON has no integers beyond 2^53; numbers that the kernel counts in 64 bits are written as strings. What would steer a terminal is there by
 * its number, which is the same text to who reads JSON.
 */
export function jsonText(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? String(part) : part), indent)
  return text.replace(unseen, (character) => character.split('').map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''))
}
