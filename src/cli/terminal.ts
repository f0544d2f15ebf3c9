/** The output of the command line: stdout and stderr of the program, or strings that a test collects. */
export interface Terminal {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  /** The styles of both. Default: plain. */
  readonly style?: { readonly out: () => Style; readonly err: () => Style }
}

/** How text is emphasised for people. */
export interface Style {
  readonly strong: (text: string) => string
  readonly good: (text: string) => string
  readonly doubtful: (text: string) => string
  readonly bad: (text: string) => string
}

const same = (text: string): string => text
export const plain: Style = { strong: same, good: same, doubtful: same, bad: same }

/** The style of stdout. */
export function styleOf({ style }: Terminal): Style {
  return style?.out() ?? plain
}

/** ECMA-48, SGR. */
const painted = (begin: number, end: number) => (text: string) => `\x1b[${begin}m${text}\x1b[${end}m`
const colored: Style = { strong: painted(1, 22), good: painted(32, 39), doubtful: painted(33, 39), bad: painted(31, 39) }

/** Colours at a terminal. NO_COLOR (no-color.org) turns them off; FORCE_COLOR, as Node reads it, overrides both. */
export function styleFor(isAtTerminal: () => boolean, { FORCE_COLOR, NO_COLOR, TERM }: NodeJS.ProcessEnv): Style {
  if (FORCE_COLOR !== undefined) return FORCE_COLOR === '0' || FORCE_COLOR === 'false' ? plain : colored
  if (NO_COLOR !== undefined && NO_COLOR !== '') return plain
  return TERM !== 'dumb' && isAtTerminal() ? colored : plain
}

// Node makes process.stdout and process.stderr at their first use. Most runs write nothing and save that.
let isMade = false

export function ownStdout(): NodeJS.WriteStream & { fd: 1 } {
  isMade = true
  return process.stdout
}

export function ownStderr(): NodeJS.WriteStream & { fd: 2 } {
  isMade = true
  return process.stderr
}

/**
 * Ends the program with this status. Its last bytes may still be on their way into a pipe, so then it ends when nothing is left to do. A program that wrote nothing exits at
 * once, which saves a millisecond of Node's own clean-up.
 */
export function endWith(status: number): void {
  process.exitCode = status
  if (!isMade) process.exit()
}
