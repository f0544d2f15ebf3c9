import { types } from 'node:util'
import nodePath from 'node:path'

import { SpecError, type SpecErrorCode } from '../errors.ts'
import { ownCopy, ownList } from './plain-data.ts'

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

/**
 * A copy of options that are given: own enumerable ones only, each read once, by its reader.
 * @param what they are options of
 */
export function readOptions<Value>(given: unknown, readers: Readonly<Record<string, (value: unknown, entry: string) => Value>>, what: string): Record<string, Value> {
  const options = Object.create(null) as Record<string, Value>
  for (const [key, value] of Object.entries(readRecord(given, 'options'))) {
    const read = Object.hasOwn(readers, key) ? readers[key] : undefined
    if (read === undefined) throw invalid(key, `is not an option of ${what}`)
    if (value !== undefined) options[key] = read(value, key)
  }
  return options
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

/**
 * The values of an option of the form `name=value`, by name. A value can hold further equals signs.
 * @throws SpecError naming the option.
 */
export function readPairs(texts: readonly string[], option: string, form: string): Record<string, string> {
  const pairs = new Map<string, string>()
  for (const text of texts) {
    const at = text.indexOf('=')
    if (at < 1) throw invalid(option, `'${text}' is not of the form ${form}`)
    const name = text.slice(0, at)
    if (pairs.has(name)) throw invalid(option, `'${name}' is given twice`)
    pairs.set(name, text.slice(at + 1))
  }
  return Object.fromEntries(pairs)
}

/** Refuses an entry because of a path. */
export function refusal(code: SpecErrorCode, entry: string, message: string, path: string): SpecError {
  return new SpecError(code, entry, message, { path })
}

/** Marks at the end of a name say more of what it names: `?` that it may be missing, ... */
export const marked: RegExp = /^(.+?)([?~]*)$/s

/**
 * A text of the form `name=path`. A path alone has its last part as its name: `./src` is `src=./src`, and `./src?` is `src?=./src`. In a
 * relative path an equals sign after the first part belongs to the path.
 * @throws SpecError naming the option.
 */
export function withName(text: string, option: string): string {
  const before = text.slice(0, Math.max(text.indexOf('='), 0))
  if (before !== '' && (before.startsWith('/') || !before.includes('/'))) return text
  if (text.startsWith('=')) return text
  // Of an output, a folder of that name would be made.
  if (/^(?:in|out)puts?\//.test(before)) throw slashInName(text, before, option)
  const [, path = text, marks = ''] = marked.exec(text) ?? []
  const name = nodePath.basename(nodePath.resolve(path))
  if (name.includes('=') && /^[^./].*\//.test(before)) throw slashInName(text, before, option)
  if (text === '' || name === '' || name.includes('=')) throw invalid(option, `'${text}' has no last part that could be its name: write NAME=PATH`)
  return `${name}${marks}=${path}`
}

function slashInName(text: string, name: string, option: string): SpecError {
  return invalid(option, `'${text}' has a name with a / in it: write /${text} for the place /${name}, or ./${text} for a path`)
}

/** Entries of mounts that no field of a spec asked for by a path. */
const own: ReadonlySet<string> = new Set(['toolchain', 'tmpfs', 'dev', 'proc', 'etc'])

/** Of two entries in conflict, the one that the caller wrote comes first: the caller can change it. */
export function callersFirst(a: string, b: string): [string, string] {
  return own.has(a) && !own.has(b) ? [b, a] : [a, b]
}
