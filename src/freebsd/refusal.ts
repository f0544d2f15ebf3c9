import os from 'node:os'

import { SystemCallError } from '../errors.ts'

/** How a call is checked before it is made. */
export interface CallOptions {
  /**
   * True, the default: names, types and lengths are checked first, and what the kernel would refuse is refused before the call, with the kernel's errno (`step`
   * is `check`, and `entry` names the parameter). False: everything goes to the kernel unchanged.
   */
  readonly check?: boolean
}

/** The errors of the kernel that a check gives before the call. */
export type Errno = 'EINVAL' | 'EEXIST' | 'ENAMETOOLONG' | 'EFBIG' | 'ENOSYS'

/** Whether a call is to be checked. */
export function isChecked(options: CallOptions, syscall: string): boolean {
  const { check, ...others } = checkedObject(options, syscall, 'options')
  refuseOthers(others, syscall)
  return booleanIn(check, true, syscall, 'check')
}

// Native code checks numbers and texts (native/binding/from_js.h). Objects and lists are taken apart on this side, so they are checked here.

/** The same object. */
export function checkedObject<T extends object>(value: T, syscall: string, entry: string): T {
  if (typeof value !== 'object' || value === null) throw refusal(syscall, 'EINVAL', entry, `${entry} is an object, which ${inWords(value)} is not`)
  return value
}

/** Refuses members of an object that the call does not have: a misspelt one would silently have no effect. */
export function refuseOthers(others: object, syscall: string): void {
  for (const name of Object.keys(others)) throw refusal(syscall, 'EINVAL', name, `${name} is unknown`)
}

export function booleanIn(value: unknown, byDefault: boolean, syscall: string, entry: string): boolean {
  const given = value === undefined ? byDefault : value
  if (typeof given !== 'boolean') throw refusal(syscall, 'EINVAL', entry, `${entry} is true or false, which ${inWords(given)} is not`)
  return given
}

/** A copy of a list. Its length and elements are read once, because a getter may answer otherwise the second time. */
export function copied<T>(list: readonly T[], most: number, syscall: string, entry: string, fits: (element: unknown) => boolean, what: string): T[] {
  if (!Array.isArray(list)) throw refusal(syscall, 'EINVAL', entry, `${entry} is a list, which ${inWords(list)} is not`)
  const { length } = list
  if (!(length <= most)) throw refusal(syscall, 'EINVAL', entry, `${entry} has ${inWords(length)} elements, of at most ${most}`)
  const elements: unknown[] = Array.from({ length }, (_, at) => list[at] as unknown)
  const unfit = elements.findIndex((element) => !fits(element))
  if (unfit >= 0) throw refusal(syscall, 'EINVAL', `${entry}[${unfit}]`, `${entry}[${unfit}] is ${what}, which ${inWords(elements[unfit])} is not`)
  return elements as T[]
}

export function isText(value: unknown): value is string {
  return typeof value === 'string'
}

/** A whole number of the range. -0 is not one. */
export function isWhole(value: unknown, least: number, most: number): value is number {
  return Number.isInteger(value) && !Object.is(value, -0) && (value as number) >= least && (value as number) <= most
}

/** A value for a message. An object's own conversion is never called: it may run code of the caller's. */
export function inWords(value: unknown): string {
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value)
  if (typeof value === 'boolean' || value === undefined || value === null) return String(value)
  if (typeof value === 'string') return 'a text'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

/** The error of a call that was not made, in the form of the kernel's. */
export function refusal(syscall: string, code: Errno, entry: string, detail: string): SystemCallError {
  const errno = os.constants.errno[code as keyof typeof os.constants.errno]
  return new SystemCallError(code, `${code}: ${detail}, ${syscall} (step check: ${entry})`, {
    ...(errno !== undefined && { errno: -errno }),
    syscall,
    step: 'check',
    entry,
    detail,
  })
}
