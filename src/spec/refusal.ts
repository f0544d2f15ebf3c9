import type { SpecError, SpecErrorCode } from '../errors.ts'
import { specError } from '../spec-errors.ts'

/** Refuses an entry because of a path. */
export function refusal(code: SpecErrorCode, entry: string, message: string, path: string): SpecError {
  return specError(code, entry, message, { path })
}
