import { SpecError, type SpecErrorCode } from '../errors.ts'

/** Refuses an entry because of a path. */
export function refusal(code: SpecErrorCode, entry: string, message: string, path: string): SpecError {
  return new SpecError(code, entry, message, { path })
}
