import { TeardownError, type BuildjailError, type LimitUnsupportedError } from '../errors.ts'
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
  terminal.err(`${bad('buildjail:')} ${problem instanceof Error ? problem.message : String(problem)}\n`)
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

/** JSON has no integers beyond 2^53; numbers that the kernel counts in 64 bits are written as strings. */
export function jsonText(value: unknown, indent?: number): string {
  return JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? String(part) : part), indent)
}
