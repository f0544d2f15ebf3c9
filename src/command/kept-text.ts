import type { Kept } from './result.ts'

/** For people, after a command that failed. */
export function keptText({ path: kept, left, error }: Kept): string {
  if (error !== undefined) return `its files could not be kept in ${kept}: ${error.message}`
  return left.length === 0 ? `its files are kept in ${kept}` : `its files are kept in ${kept}, but for ${left.join(', ')}`
}
