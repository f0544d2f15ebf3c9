import type { Kernel } from '../freebsd/index.ts'
import type { Seen } from './case.ts'

/**
 * `conforms`: seen is what was expected. `listed`: it is not, and that is known, with the reason. `deviates`: it is not, and nobody knew. `skipped`: the
 * kernel has not what the case is about.
 */
export type Verdict = 'conforms' | 'listed' | 'deviates' | 'skipped'

/** What came of a case. */
export interface Outcome {
  readonly id: string
  readonly title: string
  readonly cites: readonly string[]
  readonly expected: Seen
  /** Absent where it was skipped. */
  readonly seen?: Seen
  readonly verdict: Verdict
  /** Of `listed` and `skipped`: why. */
  readonly because?: string
  /** Of `listed`: where the kernel does it. */
  readonly becauseCites?: readonly string[]
  readonly durationMs: number
}

/** A run of the suite. */
export interface Report {
  readonly format: 1
  readonly kernel: Kernel
  readonly startedAt: string
  readonly groups: readonly { readonly name: string; readonly title: string; readonly outcomes: readonly Outcome[] }[]
}

/** How many there are of each verdict. */
export function countOf({ groups: found }: Report): Readonly<Record<Verdict, number>> {
  const all = found.flatMap(({ outcomes }) => outcomes)
  const of = (verdict: Verdict): number => all.filter((one) => one.verdict === verdict).length
  return { conforms: of('conforms'), listed: of('listed'), deviates: of('deviates'), skipped: of('skipped') }
}
