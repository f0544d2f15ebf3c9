import type { Outcome, Outcomes } from './outcomes.ts'

/** A test that is not in what a suite said, such as one that another one begins. */
export type Found = Outcome | 'absent'

/** Tests that do something else inside a session than outside. */
export interface Difference {
  readonly suite: string
  /** Names of tests. */
  readonly tests: RegExp
  readonly outside: Found
  readonly inside: Found
  readonly why: string
  /** It is one of sessions of root alone, or of those of an ordinary user. */
  readonly caller?: Caller
}

export type Caller = 'root' | 'user'

export interface Changed {
  readonly test: string
  readonly outside: Found
  readonly inside: Found
}

export interface Comparison {
  readonly explained: readonly { readonly difference: Difference; readonly changed: readonly Changed[] }[]
  readonly unexplained: readonly Changed[]
  /** Of the list, without a test: what they say is no longer so. */
  readonly unmatched: readonly Difference[]
}

/** @param differences of this suite and this caller */
export function compare(outside: Outcomes, inside: Outcomes, differences: readonly Difference[]): Comparison {
  const names = [...new Set([...outside.keys(), ...inside.keys()])].toSorted()
  const every: readonly Changed[] = names.map((test) => ({ test, outside: outside.get(test) ?? 'absent', inside: inside.get(test) ?? 'absent' }))
  const changed = every.filter((one) => one.outside !== one.inside)
  const explains = (difference: Difference, one: Changed): boolean => difference.outside === one.outside && difference.inside === one.inside && difference.tests.test(one.test)
  const explained = differences.map((difference) => ({ difference, changed: changed.filter((one) => explains(difference, one)) }))
  return {
    explained: explained.filter((one) => one.changed.length > 0),
    unexplained: changed.filter((one) => !differences.some((difference) => explains(difference, one))),
    unmatched: explained.filter((one) => one.changed.length === 0).map(({ difference }) => difference),
  }
}
