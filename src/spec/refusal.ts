import { SpecError, type OwnErrorCode } from '../errors.ts'

/** Of an entry whose path cannot be part of a plan. */
export function refusal(code: OwnErrorCode, entry: string, message: string, path: string): SpecError {
  return new SpecError(code, entry, message, { path })
}
