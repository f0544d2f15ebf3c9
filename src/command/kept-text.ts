import { inOneLine, readable } from '../spec/messages.ts'
import type { Kept, LeftInOutput } from './result.ts'

/** For people, after a command that failed. */
export function keptText({ path: kept, left, error }: Kept): string {
  const folder = readable(kept)
  if (error !== undefined) return `its files could not be kept in ${folder}: ${inOneLine(error.message)}`
  return left.length === 0 ? `its files are kept in ${folder}` : `its files are kept in ${folder}, but for ${left.map(readable).join(', ')}`
}

/** For people. */
export function leftText({ path, what }: LeftInOutput): string {
  return `left in an output: ${readable(path)}: ${inOneLine(what)}`
}
