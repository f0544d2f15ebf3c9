import type { Seen } from './case.ts'
import type { Verdict } from './report.ts'

/** What a case has seen, for people. */
export function seenText(seen: Seen | undefined): string {
  if (seen === undefined) return ''
  return typeof seen === 'string' ? (seen === '' ? '(nothing)' : seen) : JSON.stringify(seen)
}

/** Each verdict in words. */
export const verdictWords: Readonly<Record<Verdict, string>> = { conforms: 'conforms', listed: 'known deviation', deviates: 'DEVIATES', skipped: 'not looked at' }
