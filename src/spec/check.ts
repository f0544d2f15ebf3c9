import { types } from 'node:util'

import { SpecError } from '../errors.ts'
import { ownCopy, ownList } from './own-copy.ts'

export function invalid(entry: string, message: string, cause?: unknown): SpecError {
  return new SpecError('ERR_BUILDJAIL_INVALID_SPEC', entry, message, cause === undefined ? {} : { cause })
}

/** A string without NUL: every system call would read it up to the first NUL only. */
export function readString(given: unknown, entry: string): string {
  if (typeof given !== 'string') throw invalid(entry, 'must be a string')
  if (given.includes('\0')) throw invalid(entry, 'must not hold a NUL character')
  return given
}

export function readText(given: unknown, entry: string): string {
  const text = readString(given, entry)
  if (text === '') throw invalid(entry, 'must not be empty')
  return text
}

/**
 * @param unit of what, where that is not plain
 * @param otherwise what it may be as well
 */
export function readInteger(given: unknown, entry: string, least: number, most: number, unit?: string, otherwise?: string): number {
  if (typeof given !== 'number' || !Number.isSafeInteger(given) || given < least || given > most) {
    const number = `${unit === undefined ? '' : `${unit}, as `}a whole number from ${least} to ${most}`
    throw invalid(entry, `must be ${number}${otherwise === undefined ? '' : `, ${otherwise}`}`)
  }
  // Minus zero becomes zero.
  return given + 0
}

/** The own fields of an object, in a copy. */
export function readRecord(given: unknown, entry: string): Readonly<Record<string, unknown>> {
  return reading(entry, () => {
    if (typeof given !== 'object' || given === null || Array.isArray(given)) throw invalid(entry, 'must be an object')
    // Their entries are not fields, so all of them would be passed over.
    if (types.isMap(given) || types.isSet(given)) throw invalid(entry, 'must be a plain object, not a Map or a Set')
    return ownCopy(given as Record<string, unknown>)
  })
}

/** The elements of a list, in a copy. `what` completes the sentence "must be ...". */
export function readList(given: unknown, entry: string, what: string): readonly unknown[] {
  return reading(entry, () => {
    if (!Array.isArray(given)) throw invalid(entry, `must be ${what}`)
    const list = ownList(given)
    if (list === undefined) throw invalid(entry, 'is a list with a hole in it')
    return list
  })
}

/** A getter or a proxy of the caller's can throw anything. */
function reading<T>(entry: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof SpecError) throw error
    throw invalid(entry, `cannot be read${error instanceof Error ? `: ${error.message}` : ''}`, error)
  }
}
