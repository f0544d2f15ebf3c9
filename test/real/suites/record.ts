import type { Caller, Comparison, Found } from './differences.ts'
import type { Outcome, Outcomes } from './outcomes.ts'
import type { Suite, System } from './suite.ts'

export type Counts = Readonly<Record<Outcome, number>>

export interface RecordedDifference {
  /** How many tests, and one of them. */
  readonly count: number
  readonly test: string
  readonly outside: Found
  readonly inside: Found
  readonly why: string
}

/** What a run of a suite came to. scripts/real/page.mjs makes docs/software.md of these. */
export interface SuiteRecord {
  readonly name: string
  readonly version: string
  readonly tests: string
  readonly system: System
  readonly caller: Caller
  readonly outside: Counts
  readonly inside: Counts
  readonly differences: readonly RecordedDifference[]
}

const countsOf = (outcomes: Outcomes): Counts => {
  const counts = { passed: 0, failed: 0, skipped: 0 }
  for (const outcome of outcomes.values()) counts[outcome] += 1
  return counts
}

export function recordOf({ name, tests }: Suite, system: System, caller: Caller, version: string, outside: Outcomes, inside: Outcomes, { explained }: Comparison): SuiteRecord {
  return {
    name,
    version,
    tests,
    system,
    caller,
    outside: countsOf(outside),
    inside: countsOf(inside),
    differences: explained.map(({ difference, changed }) => ({
      count: changed.length,
      test: changed[0]?.test ?? '',
      outside: difference.outside,
      inside: difference.inside,
      why: difference.why,
    })),
  }
}
