import { typed } from '../errors.ts'
import { listenOnce } from '../native/jobs.ts'

/** Begins one call of the addon, synchronously or as a promise. */
type Begin = (isNow: boolean) => unknown

/** A call of this module as the calls of the addon that it makes. It is written once, and has both a promise form and a sync form. */
export type Steps<T> = Generator<Begin, T, unknown>

/** One of these calls. */
export function* step<T>(begin: (isNow: boolean) => T | Promise<T>): Steps<T> {
  return (yield begin) as T
}

/** The promise form. */
export async function promised<T>(steps: Steps<T>): Promise<T> {
  let next = steps.next()
  while (next.done !== true) {
    let answer: unknown
    try {
      listenOnce()
      answer = await next.value(false)
    } catch (error) {
      next = steps.throw(typed(error))
      continue
    }
    next = steps.next(answer)
  }
  return next.value
}

/** A call of the addon that has no promise form. */
export function atOnce<T>(call: () => T): T {
  try {
    return call()
  } catch (error) {
    throw typed(error)
  }
}

/** The sync form. */
export function now<T>(steps: Steps<T>): T {
  let next = steps.next()
  while (next.done !== true) {
    let answer: unknown
    try {
      answer = next.value(true)
    } catch (error) {
      next = steps.throw(typed(error))
      continue
    }
    next = steps.next(answer)
  }
  return next.value
}
