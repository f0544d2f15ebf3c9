import { CommandError } from '../command/command-error.ts'
import { TeardownError, UnsupportedError, type BuildjailError } from '../errors.ts'
import { inOneLine } from '../spec/messages.ts'
import type { Place } from './spec-file.ts'
import { plain, type Terminal } from './terminal.ts'

export function tell(terminal: Terminal, problem: unknown): void {
  const { bad } = terminal.style?.err() ?? plain
  terminal.err(`${bad('buildjail:')} ${textOf(problem)}\n`)
}

/** One line, so that no text that a build chose can begin a line that looks like ours. The attempts to load the native code are a list. */
function textOf(problem: unknown): string {
  if (problem instanceof UnsupportedError && problem.code === 'ERR_BUILDJAIL_BINDING_NOT_FOUND') return problem.message
  // Its long message repeats the command's output, which was passed on.
  if (problem instanceof CommandError) return problem.shortMessage
  return inOneLine(problem instanceof Error ? problem.message : String(problem))
}

/** The stable fields of an error, for programs. JSON leaves out fields that are undefined. */
export function describeError(error: unknown): Readonly<Record<string, unknown>> {
  if (!(error instanceof Error)) return { message: String(error) }
  const { code, message, step, syscall, errno, path, dest, entry, limit, detail, holders, remedy, place } = error as Partial<BuildjailError & UnsupportedError & { readonly place: Place }> & Error
  const errors = error instanceof TeardownError ? error.errors.map(describeError) : undefined
  return { code, message, step, syscall, errno, path, dest, entry, limit, detail, holders, remedy, ...place, errors }
}

/** @param members stand before it */
export function errorJson(error: unknown, members: object): string {
  return jsonLine({ ...members, error: describeError(error) })
}

export function jsonLine(value: unknown): string {
  return `${jsonText(value)}\n`
}

// Characters that steer a terminal and that JSON.stringify leaves as they are: DEL and the C1 controls (ECMA-48), characters that turn the
// direction of writing or are invisible, and line separators.
const unseen = /[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/gu

/**
 * JSON has no integers beyond 2^53, so bigints are written as strings. Characters that would steer a terminal are escaped by their number; a JSON
 * parser reads the same text.
 */
export function jsonText(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? String(part) : part), indent)
  return text.replace(unseen, (character) => character.split('').map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''))
}
