import type { Kernel } from 'buildjail/freebsd'

import { seenText, type Seen } from './seen.ts'

/**
 * `conforms`: the case saw what was expected. `listed`: it saw something else, and the suite lists that deviation with its reason. `deviates`: it saw
 * something else, which is not listed. `skipped`: the kernel lacks the feature that the case is about.
 */
export type Verdict = 'conforms' | 'listed' | 'deviates' | 'skipped'

/** The result of one case. */
export interface Outcome {
  readonly id: string
  readonly title: string
  readonly cites: readonly string[]
  readonly expected: Seen
  /** Missing if the case was skipped. */
  readonly seen?: Seen
  readonly verdict: Verdict
  /** The reason for `listed` and `skipped`. */
  readonly because?: string
  /** For `listed`: the place in the kernel's source. */
  readonly becauseCites?: readonly string[]
  readonly durationMs: number
}

/** The results of one run of the suite. */
export interface Report {
  readonly format: 1
  readonly kernel: Kernel
  readonly startedAt: string
  readonly groups: readonly { readonly name: string; readonly title: string; readonly outcomes: readonly Outcome[] }[]
}

export const verdictWords: Readonly<Record<Verdict, string>> = { conforms: 'conforms', listed: 'known deviation', deviates: 'DEVIATES', skipped: 'not looked at' }

/** The number of outcomes of each verdict. */
export function countOf({ groups }: Report): Readonly<Record<Verdict, number>> {
  const all = groups.flatMap(({ outcomes }) => outcomes)
  const of = (verdict: Verdict): number => all.filter((one) => one.verdict === verdict).length
  return { conforms: of('conforms'), listed: of('listed'), deviates: of('deviates'), skipped: of('skipped') }
}

/** An outcome for a terminal, in several lines. `paint` sets off its verdict. */
export function outcomeText({ id, title, expected, seen, verdict, because, cites }: Outcome, paint: (words: string) => string): string {
  const lines = [`${paint(verdictWords[verdict])}: ${id}: ${title}`]
  if (verdict !== 'skipped') lines.push(`  expected: ${seenText(expected)} (${cites.join('; ')})`, `  seen:     ${seenText(seen)}`)
  if (because !== undefined) lines.push(`  because:  ${because}`)
  return lines.join('\n')
}

/** The last line that a terminal shows. */
export function summaryText(report: Report): string {
  const { conforms, listed, deviates, skipped } = countOf(report)
  return `${report.kernel.release}: ${conforms} of ${conforms + listed + deviates} cases conform, ${listed} ${listed === 1 ? 'deviation is' : 'deviations are'} known, ${deviates} not; ${skipped} not looked at`
}
