// What is claimed: ratios of medians in one run, each with its bar.
import { bootstrapInterval, median, quantile, ratioOf, slopeThrough } from './measure/statistics.mjs'

/**
 * @typedef {{ name: string, unit: string, samples: number[], series?: string, x?: number }} Subject
 * @typedef {{ name: string, notMeasured?: string, failed?: string, subjects?: Subject[], rounds?: number, missing?: Record<string, string> }} Case
 * @typedef {'holds' | 'within noise' | 'does not hold' | 'not measured' | 'not judged'} Verdict
 */

/** A claim says which case it is about and how its value comes from the case's samples, by the subject's name. */
const claims = [
  { name: 'warm-run/spawn', of: 'warm-run', bar: 0.6, value: over('session.run', 'child_process.spawn') },
  { name: 'warm-run/floor', of: 'warm-run', bar: 1.15, value: over('session.run', 'floor') },
  { name: 'cold-build/bwrap', of: 'cold-build', bar: 0.3, value: over('build(plan)', 'bwrap from Node') },
  { name: 'cold-build/floor', of: 'cold-build', bar: 1.35, value: over('build(plan)', 'floor') },
  { name: 'inputs-slope/floor', of: 'cold-inputs', bar: 1.3, value: slopesOver('session', 'floor') },
  { name: 'limits-build/none', of: 'limits', bar: 1.15, value: over('build, limited', 'build') },
  { name: 'limits-run/none', of: 'limits', bar: 1.15, value: over('run, limited', 'run') },
  { name: 'loopback/none', of: 'loopback', bar: 1.1, value: over('loopback', 'none') },
  { name: 'pool/spawn', of: 'pool', bar: 0.8, value: over('pool.run', 'child_process.spawn') },
  { name: 'throughput/bwrap', of: 'concurrency', bar: 3, bound: '>=', value: over('build(plan), 2 x cores', 'bwrap from Node, 2 x cores') },
  { name: 'stall-p99-ms', of: 'event-loop', bar: 1, bound: '<', value: of('build(plan)', (samples) => quantile(samples, 0.99)) },
  { name: 'rss-2gb/50mb', of: 'parent-size', bar: 1.05, value: worseOf(over('build, 2 GB', 'build, 50 MB'), over('run, 2 GB', 'run, 50 MB')) },
  { name: 'host-mounts-1000/0', of: 'host-mounts', bar: 1.2, value: over('build, 1000 mounts', 'build, 0 mounts') },
  { name: 'session-memory-kib', of: 'session-memory', bar: 64, bound: '<', value: of('a session', median) },
  { name: 'stdout/spawn', of: 'stdout', bar: 0.9, bound: '>=', value: over('session.spawn', 'child_process.spawn') },
  { name: 'stopped-p99/alone', of: 'stopped-launches', bar: 3, value: over('beside it', 'alone', 0.99) },
  { name: 'command-line/node', of: 'command-line', bar: 1.25, value: over('buildjail run true', 'node -e 0') },
  { name: 'compile/bare', of: 'compile', bar: 1.03, value: over('build(plan)', 'child_process.spawn') },
]

/**
 * The claims about the cases that were asked for.
 * @param {Case[]} cases
 * @param {{ isJudged: boolean }} options whether the bars are meant for this machine
 */
export function ratiosOf(cases, { isJudged }) {
  const asked = new Map(cases.map((one) => [one.name, one]))
  return claims
    .filter(({ of: name }) => asked.has(name))
    .map(({ name, of: from, bar, bound = '<=', value }) => {
      const measured = measure(asked.get(from), value)
      return { name, ...measured, bar, bound, verdict: isJudged ? verdictOn(measured, bound, bar) : 'not judged' }
    })
}

/** Whether a run with that ratio in it fails. What asks for a bar cannot do without a measurement. */
export const isFailure = ({ verdict }) => verdict === 'does not hold' || verdict === 'not measured'

/**
 * A bar that is missed by less than the value's own interval is within noise: the same run, made again, may well hold.
 * @param {{ value: number | null, low?: number, high?: number }} measured
 * @returns {Verdict}
 */
export function verdictOn({ value, low, high }, bound, bar) {
  if (value === null) return 'not measured'
  if (meets(value, bound, bar)) return 'holds'
  return meets(bound === '>=' ? high : low, bound, bar) ? 'within noise' : 'does not hold'
}

function meets(value, bound, bar) {
  if (bound === '<') return value < bar
  return bound === '<=' ? value <= bar : value >= bar
}

/** Thrown for a subject that could not be measured. */
class Absent extends Error {}

function measure(one, value) {
  const reason = one.notMeasured ?? (one.failed === undefined ? undefined : 'the case failed')
  if (reason !== undefined) return { value: null, notMeasured: reason }
  const find = (name, key) => {
    const found = one.subjects.filter((subject) => subject[key] === name)
    if (found.length === 0) throw new Absent(one.missing?.[name] ?? `${one.name} has no ${name}`)
    return found
  }
  try {
    return value(one, find)
  } catch (error) {
    if (!(error instanceof Absent)) throw error
    return { value: null, notMeasured: error.message }
  }
}

function over(above, below, share) {
  return ({ rounds }, find) => ratioOf(find(above, 'name')[0].samples, find(below, 'name')[0].samples, { rounds, share })
}

function worseOf(...values) {
  return (...given) => values.map((value) => value(...given)).reduce((worst, one) => (one.value > worst.value ? one : worst))
}

function of(name, statistic) {
  return (_, find) => {
    const [{ samples }] = find(name, 'name')
    return { value: statistic(samples), ...bootstrapInterval([samples], statistic) }
  }
}

function slopesOver(above, below) {
  return (_, find) => {
    const [a, b] = [above, below].map((series) => find(series, 'series'))
    const slope = (subjects, groups) => slopeThrough(subjects.map(({ x }, index) => [x, median(groups[index])]))
    const ratio = (...groups) => slope(a, groups.slice(0, a.length)) / slope(b, groups.slice(a.length))
    const groups = [...a, ...b].map(({ samples }) => samples)
    return { value: ratio(...groups), ...bootstrapInterval(groups, ratio) }
  }
}
