/** How words are set off for people. */
export interface Style {
  readonly strong: (text: string) => string
  readonly good: (text: string) => string
  readonly doubtful: (text: string) => string
  readonly bad: (text: string) => string
}

const same = (text: string): string => text
export const plain: Style = { strong: same, good: same, doubtful: same, bad: same }

/** ECMA-48, SGR. */
const painted = (begin: number, end: number) => (text: string) => `\x1b[${begin}m${text}\x1b[${end}m`
const colored: Style = { strong: painted(1, 22), good: painted(32, 39), doubtful: painted(33, 39), bad: painted(31, 39) }

/** By NO_COLOR (no-color.org), by FORCE_COLOR as Node has it, which wins, and by where it is written. */
export function styleFor(isAtTerminal: () => boolean, { FORCE_COLOR, NO_COLOR, TERM }: NodeJS.ProcessEnv): Style {
  if (FORCE_COLOR !== undefined) return FORCE_COLOR === '0' || FORCE_COLOR === 'false' ? plain : colored
  if (NO_COLOR !== undefined && NO_COLOR !== '') return plain
  return TERM !== 'dumb' && isAtTerminal() ? colored : plain
}
