import { isDeepStrictEqual } from 'node:util'

import { UnsupportedPlatformError } from '../errors.ts'
import { supported } from '../freebsd/index.ts'
import { ByRelease, type Case, type Group, type Seen } from './case.ts'
import { groups } from './cases.ts'
import { Context } from './context.ts'
import { failureText } from './failure-text.ts'
import { missing, subject, type Subject } from './needs.ts'
import type { Outcome, Report } from './report.ts'

/** Cases whose id or title has every one of the words; all where there are none. */
export function chosen(words: readonly string[]): Group[] {
  const fits = ({ id, title }: Case): boolean => words.every((word) => `${id} ${title}`.toLowerCase().includes(word.toLowerCase()))
  return groups.map((group) => ({ ...group, cases: group.cases.filter(fits) })).filter(({ cases }) => cases.length > 0)
}

/**
 * Runs cases, one after the other.
 * @param onOutcome is told of each as it is over
 * @throws UnsupportedPlatformError off FreeBSD, SystemCallError where this process is not root of the host
 */
export async function runCases(wanted: readonly Group[], onOutcome: (outcome: Outcome) => void = () => {}): Promise<Report> {
  if (!supported) throw new UnsupportedPlatformError('the conformance suite')
  const { parameters: _, ...kernel } = subject()
  const startedAt = new Date().toISOString()
  const found: Report['groups'][number][] = []
  for (const { name, title, cases } of wanted) {
    const outcomes: Outcome[] = []
    for (const one of cases) {
      const outcome = await runCase(one)
      outcomes.push(outcome)
      onOutcome(outcome)
    }
    found.push({ name, title, outcomes })
  }
  return { format: 1, kernel, startedAt, groups: found }
}

/** @throws UnsupportedPlatformError off FreeBSD */
export async function runCase(one: Case): Promise<Outcome> {
  if (!supported) throw new UnsupportedPlatformError('the conformance suite')
  const kernel = subject()
  const context = new Context()
  const began = performance.now()
  const { id, title, cites } = one
  const expected = one.expected instanceof ByRelease ? one.expected.of(kernel.osreldate) : one.expected
  const told = { id, title, cites, expected }
  const took = (): { readonly durationMs: number } => ({ durationMs: Math.round(performance.now() - began) })
  const seen = await seenBy(one, kernel, context)
  if ('because' in seen) return { ...told, ...seen, verdict: 'skipped', ...took() }
  return { ...told, ...judged(one, expected, seen.seen), ...took() }
}

async function seenBy(one: Case, kernel: Subject, context: Context): Promise<{ readonly seen: Seen } | { readonly because: string }> {
  let seen: { readonly seen: Seen } | { readonly because: string }
  try {
    const because = one.needs.map((need) => missing(need, kernel, context)).find((text) => text !== undefined)
    seen = because === undefined ? { seen: await one.run(context) } : { because }
  } catch (error) {
    seen = { seen: `failed: ${context.told(failureText(error))}` }
  }
  try {
    await context.end()
  } catch (error) {
    return { seen: `left something behind: ${context.told(failureText(error))}` }
  }
  return seen
}

/** Which verdict it is. */
export function judged({ deviation }: Case, expected: Seen, seen: Seen): Pick<Outcome, 'seen' | 'verdict' | 'because' | 'becauseCites'> {
  if (isDeepStrictEqual(seen, expected)) return { seen, verdict: 'conforms' }
  if (deviation !== undefined && isDeepStrictEqual(seen, deviation.seen)) return { seen, verdict: 'listed', because: deviation.because, becauseCites: deviation.cites }
  return { seen, verdict: 'deviates' }
}
