// What is claimed: ratios of medians in one run, each with its bar.
import { NotMeasured } from './measure/not-measured.mjs'
import { estimate, median, quantile, ratioOf, slopeThrough } from './measure/statistics.mjs'

/**
 * @typedef {{ name: string, unit: string, samples: number[] }} Subject
 * @typedef {{ name: string, notMeasured?: string, failed?: string, subjects?: Subject[], rounds?: number, missing?: Record<string, string> }} Case
 */

/** Of the sessions that `inputs-slope` is about. */
export const inputCounts = [0, 10, 100, 1000]

/** What the session of `hostile-neighbour` does to the others (hostile/hostile.c). What only computes is no attack. */
export const hostileAttacks = [
  'computing', 'forks', 'walks', 'files', 'memory', 'too much memory', 'sockets', 'descriptors', 'output', 'maps', 'signals', 'locks', 'all',
]
export const phasesOfOther = ['open', 'run', 'close']

/** A claim says which case it is about and how its value comes from the case's samples, by the subject's name. */
const claims = [
  { name: 'warm-run/spawn', of: 'warm-run', bar: 0.5, value: over('session.run', 'child_process.spawn') },
  { name: 'warm-run/floor-inside', of: 'warm-run', bar: 1.2, value: over('session.run', 'floor, inside') },
  { name: 'cold-build/bwrap', of: 'cold-build', bar: 0.25, value: over('build(plan), after a pause', 'bwrap from Node, after a pause') },
  { name: 'cold-build/floor', of: 'cold-build', bar: 1.35, value: over('build(plan)', 'floor') },
  { name: 'inputs-slope/floor', of: 'cold-inputs', bar: 1.3, value: slopesOver('session', 'floor') },
  { name: 'limits-build/none', of: 'limits', bar: 1.15, needs: 'cgroups of version 2', value: over('build, limited', 'build') },
  { name: 'limits-run/none', of: 'limits', bar: 1.15, value: over('run, limited', 'run') },
  { name: 'loopback/none', of: 'loopback', bar: 1.1, value: over('loopback', 'none') },
  { name: 'names/loopback', of: 'loopback', bar: 1.05, value: over('names', 'loopback') },
  { name: 'pool/spawn', of: 'pool', bar: 0.75, value: over('pool.run', 'child_process.spawn') },
  { name: 'throughput/bwrap', of: 'concurrency', bar: 3.2, bound: '>=', value: over('build(plan)', 'bwrap from Node') },
  { name: 'stall-p99-ms', of: 'event-loop', bar: 1, bound: '<', value: of('build(plan)', (samples) => quantile(samples, 0.99)) },
  { name: 'spec-stall/none', of: 'spec-stall', bar: 1.25, value: over('10 inputs', 'no inputs') },
  { name: 'rss-2gb/50mb', of: 'parent-size', bar: 1.05, value: worseOf(over('build, 2 GB', 'build, 50 MB'), over('run, 2 GB', 'run, 50 MB')) },
  { name: 'host-mounts-1000/0', of: 'host-mounts', bar: 1.2, value: over('build, 1000 mounts', 'build, 0 mounts') },
  { name: 'session-memory-kib', of: 'session-memory', bar: 64, bound: '<', value: of('a session', median) },
  { name: 'stdout/spawn', of: 'stdout', bar: 0.9, bound: '>=', value: over('session.spawn', 'child_process.spawn') },
  { name: 'stopped-p99/alone', of: 'stopped-launches', bar: 3, value: over('beside it', 'alone', 0.99) },
  ...phasesOfOther.map((phase) => ({ name: `hostile-${phase}-p99/alone`, of: 'hostile-neighbour', bar: 3, value: besideEach(phase) })),
  { name: 'large-output/plain', of: 'large-output', bar: 1.1, value: over('build(plan)', 'child_process.spawn') },
  { name: 'large-output/bwrap', of: 'large-output', bar: 1, value: over('build(plan)', 'bwrap from Node') },
  { name: 'large-close-ms', of: 'large-output', bar: 20, value: of('close alone', median) },
  { name: 'command-line/node', of: 'command-line', bar: 1.6, value: over('buildjail run true', 'node -e 0') },
  { name: 'allowed-throughput/host', of: 'allowed-network', bar: 0.8, bound: '>=', value: over('gigabyte, host', 'gigabyte, session') },
  { name: 'allowed-connection-ms', of: 'allowed-network', bar: 1, value: difference('byte, session', 'byte, host') },
  { name: 'here/node', of: 'here', bar: 1.6, value: over('buildjail run --here true', 'node -e 0') },
  { name: 'compile/bare', of: 'compile', bar: 1.03, value: over('build(plan)', 'child_process.spawn') },
  { name: 'traced/without', of: 'traced', bar: 1.5, value: over('with a trace', 'without') },
]

/**
 * The claims about the cases that were asked for.
 * @param {Case[]} cases
 * @param {{ isJudged: boolean, lacks?: string[] }} options whether the bars are meant for this machine, and what single ones need that it has not
 */
export function ratiosOf(cases, { isJudged, lacks = [] }) {
  const asked = new Map(cases.map((one) => [one.name, one]))
  return claims
    .filter(({ of: name }) => asked.has(name))
    .map(({ name, of: from, bar, bound = '<=', needs, value }) => {
      const measured = measure(asked.get(from), value)
      return { name, ...measured, bar, bound, verdict: isJudged && !lacks.includes(needs) ? verdictOn(measured, bound, bar) : 'not judged' }
    })
}

/** Whether a run with that ratio in it fails. What asks for a bar cannot do without a measurement. */
export const isFailure = ({ verdict }) => verdict === 'does not hold' || verdict === 'not measured'

/**
 * A bar that is missed by less than the value's own interval is within noise: the same run, made again, may well hold.
 * @param {{ value: number | null, low?: number, high?: number }} measured
 * @returns {'holds' | 'within noise' | 'does not hold' | 'not measured'}
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

function measure({ name, notMeasured, failed, subjects, rounds, missing }, value) {
  const reason = failed === undefined ? notMeasured : 'the case failed'
  const samplesOf = (subject) => {
    const found = subjects?.find((one) => one.name === subject)
    if (found === undefined) throw new NotMeasured(reason ?? missing?.[subject] ?? `${name} has no ${subject}`)
    return found.samples
  }
  try {
    return value(samplesOf, rounds)
  } catch (error) {
    if (!(error instanceof NotMeasured)) throw error
    return { value: null, notMeasured: error.message }
  }
}

function over(above, below, share) {
  return (samplesOf, rounds) => ratioOf(samplesOf(above), samplesOf(below), { rounds, share })
}

function difference(above, below) {
  return (samplesOf, rounds) => estimate([samplesOf(above), samplesOf(below)], (one, other) => median(one) - median(other), rounds)
}

function worseOf(...values) {
  return (...given) => values.map((value) => value(...given)).reduce((worst, one) => (one.value > worst.value ? one : worst))
}

function besideEach(phase) {
  return worseOf(...hostileAttacks.slice(1).map((attack) => over(`${phase}, beside ${attack}`, `${phase}, alone`, 0.99)))
}

function of(name, statistic) {
  return (samplesOf, rounds) => estimate([samplesOf(name)], statistic, rounds)
}

function slopesOver(above, below) {
  const groupsOf = (series, samplesOf) => inputCounts.map((inputs) => samplesOf(`${series}, ${inputs} inputs`))
  const slope = (groups) => slopeThrough(groups.map((samples, index) => [inputCounts[index], median(samples)]))
  const ratio = (...groups) => slope(groups.slice(0, inputCounts.length)) / slope(groups.slice(inputCounts.length))
  return (samplesOf, rounds) => estimate([above, below].flatMap((series) => groupsOf(series, samplesOf)), ratio, rounds)
}
