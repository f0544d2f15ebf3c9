import { InvalidCommandError } from '../errors.ts'
import { binding } from '../native/load.ts'
import type { TerminalSize, WireStdio } from '../native/wire-job.ts'
import { invalid, type OptionCheck } from './options.ts'

export type { TerminalSize }

/** A terminal of the command's own, which is all three of its standard descriptors. */
export const pty: WireStdio = Object.freeze({ kind: 'pty' })

export const defaultTerminalSize: TerminalSize = Object.freeze({ columns: 80, rows: 24 })

const largest = 65_535

export const checkTerminalSize: OptionCheck = (value, entry): TerminalSize => {
  const { columns, rows } = (typeof value === 'object' && value !== null ? value : {}) as Partial<TerminalSize>
  for (const number of [columns, rows]) {
    if (!Number.isInteger(number) || (number as number) < 1 || (number as number) > largest) {
      throw invalid(entry, `must be { columns, rows }, whole numbers from 1 to ${largest}`)
    }
  }
  return Object.freeze({ columns, rows }) as TerminalSize
}

/**
 * @param size as `checkTerminalSize` gave it
 * @throws InvalidCommandError where the command has no terminal of its own that could be resized
 */
export function resizeTerminal(job: number, isPty: boolean, size: TerminalSize): boolean {
  if (!isPty) throw new InvalidCommandError('resize', "is for a command with stdio: 'pty'", 'run')
  return job !== 0 && binding().resizeTerminal(job, size.columns, size.rows)
}
