import { isDeepStrictEqual } from 'node:util'

import { cpusetOfJailSync, jailParametersSync, kernelSync, kldLoaded, kldLoadSync, type Kernel } from 'buildjail/freebsd'

import { ByRelease, type Case, type Group, type Need } from './case.ts'
import { Context } from './context.ts'
import type { Outcome, Report } from './report.ts'
import { failureText, type Seen } from './seen.ts'

/** The cases whose id or title has every one of the words; without words, all. Groups without such a case are left out. */
export function chosen(groups: readonly Group[], words: readonly string[]): Group[] {
  const fits = ({ id, title }: Case): boolean => words.every((word) => `${id} ${title}`.toLowerCase().includes(word.toLowerCase()))
  return groups.map((group) => ({ ...group, cases: group.cases.filter(fits) })).filter(({ cases }) => cases.length > 0)
}

/**
 * Runs cases, one after the other.
 * @param onOutcome is called after each case
 * @throws UnsupportedError off FreeBSD
 */
export async function runCases(groups: readonly Group[], onOutcome: (outcome: Outcome) => void = () => {}): Promise<Report> {
  const { parameters: _, ...kernel } = subject()
  const startedAt = new Date().toISOString()
  const results: Report['groups'][number][] = []
  for (const { name, title, cases } of groups) {
    const outcomes: Outcome[] = []
    for (const one of cases) {
      const outcome = await runCase(one)
      outcomes.push(outcome)
      onOutcome(outcome)
    }
    results.push({ name, title, outcomes })
  }
  return { format: 1, kernel, startedAt, groups: results }
}

/** @throws UnsupportedError off FreeBSD */
export async function runCase(one: Case): Promise<Outcome> {
  const kernel = subject()
  const context = new Context()
  const began = performance.now()
  const { id, title, cites } = one
  const expected = one.expected instanceof ByRelease ? one.expected.of(kernel.osreldate) : one.expected
  const known = { id, title, cites, expected }
  const took = (): { readonly durationMs: number } => ({ durationMs: Math.round(performance.now() - began) })
  const result = await resultOf(one, kernel, context)
  if ('because' in result) return { ...known, ...result, verdict: 'skipped', ...took() }
  return { ...known, ...judged(one, expected, result.seen), ...took() }
}

async function resultOf(one: Case, kernel: Subject, context: Context): Promise<{ readonly seen: Seen } | { readonly because: string }> {
  let result: { readonly seen: Seen } | { readonly because: string }
  try {
    const because = one.needs.map((need) => missing(need, kernel, context)).find((text) => text !== undefined)
    result = because === undefined ? { seen: await one.run(context) } : { because }
  } catch (error) {
    result = { seen: `failed: ${context.masked(failureText(error))}` }
  }
  try {
    await context.end()
  } catch (error) {
    return { seen: `left something behind: ${context.masked(failureText(error))}` }
  }
  return result
}

/** The verdict about what a case saw. */
export function judged({ deviation }: Case, expected: Seen, seen: Seen): Pick<Outcome, 'seen' | 'verdict' | 'because' | 'becauseCites'> {
  if (isDeepStrictEqual(seen, expected)) return { seen, verdict: 'conforms' }
  if (deviation !== undefined && isDeepStrictEqual(seen, deviation.seen)) return { seen, verdict: 'listed', because: deviation.because, becauseCites: deviation.cites }
  return { seen, verdict: 'deviates' }
}

/** The kernel that the suite runs on. */
interface Subject extends Kernel {
  readonly parameters: ReadonlySet<string>
}

/** Modules with jail parameters and file systems that cases need. They stay loaded. */
const modules = ['nullfs', 'fdescfs', 'if_epair', 'unionfs']

function subject(): Subject {
  for (const name of modules) {
    try {
      kldLoadSync(name)
    } catch {
      // This kernel does not have it; the cases that need it are skipped.
    }
  }
  return { ...kernelSync(), parameters: new Set(jailParametersSync().map(({ name }) => name)) }
}

/** The reason to skip a case that needs this; undefined if the kernel has it. */
function missing(need: Need, kernel: Subject, context: Context): string | undefined {
  const [kind, ...rest] = need.split(' ')
  const name = rest.join(' ')
  if (kind === 'parameter') return kernel.parameters.has(name) ? undefined : `this kernel has no parameter ${name}`
  if (kind === 'file') {
    const fileSystem = name.replace('system ', '')
    return kldLoaded(fileSystem) ? undefined : `this kernel has no ${fileSystem}, or its module is not loaded`
  }
  if (need === 'two processors') return cpusetOfJailSync(context.set({ name: `${context.name}-processors` })).length > 1 ? undefined : 'this machine has one processor'
  if (need === 'rctl') return kernel.features.rctl ? undefined : 'this kernel does not count what jails use (kern.racct.enable)'
  return kernel.features[need as keyof Kernel['features']] === true ? undefined : `this kernel has no ${need}`
}
