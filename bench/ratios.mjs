// What is claimed: ratios of medians in one run, each with its bar.
import { bootstrapInterval, lineThrough, median, quantile, ratioOfMedians } from './measure/statistics.mjs'

/**
 * @typedef {{ name: string, unit: string, samples: number[], series?: string, x?: number }} Subject
 * @typedef {{ name: string, notMeasured?: string, failed?: string, subjects?: Subject[], rounds?: number, missing?: Record<string, string> }} Case
 */

/** A claim says which case it is about and how its value comes from the case's samples, by the subject's name. */
const claims = [
  { name: 'warm-run/spawn', of: 'warm-run', bars: { linux: 0.7, freebsd: 1 }, value: over('session.run', 'child_process.spawn') },
  { name: 'warm-run/floor', of: 'warm-run', bars: { linux: 1.3, freebsd: 1.3 }, value: over('session.run', 'floor') },
  { name: 'cold-build/bwrap', of: 'cold-build', bars: { linux: 0.4 }, value: over('build(plan)', 'bwrap from Node') },
  { name: 'cold-build/floor', of: 'cold-build', bars: { linux: 1.35, freebsd: 1.35 }, value: over('build(plan)', 'floor') },
  { name: 'cold-build/shell', of: 'cold-shell', bars: { freebsd: 1 / 18 }, value: over('build(plan)', 'shell prototype') },
  { name: 'pool/spawn', of: 'pool', bars: { linux: 0.9 }, value: over('pool.run', 'child_process.spawn') },
  { name: 'rss-2gb/50mb', of: 'parent-size', bars: { linux: 1.05, freebsd: 1.05 }, value: worseOf(over('build, 2 GB', 'build, 50 MB'), over('run, 2 GB', 'run, 50 MB')) },
  { name: 'host-mounts-1000/0', of: 'host-mounts', bars: { linux: 1.2, freebsd: 1.2 }, value: over('build, 1000 mounts', 'build, 0 mounts') },
  { name: 'stall-p99-ms', of: 'event-loop', bars: { linux: 1 }, bound: '<', value: of('build(plan)', (samples) => quantile(samples, 0.99)) },
  { name: 'throughput/bwrap', of: 'concurrency', bars: { linux: 3 }, bound: '>=', value: over('build(plan), 2 x cores', 'bwrap from Node, 2 x cores') },
  { name: 'stdout/spawn', of: 'stdout', bars: { linux: 0.9, freebsd: 0.9 }, bound: '>=', value: over('session.spawn', 'child_process.spawn') },
  { name: 'compile/bare', of: 'compile', bars: { linux: 1.03, freebsd: 1.03 }, value: over('session', 'child_process.spawn') },
  { name: 'inputs-slope/floor', of: 'cold-inputs', bars: { linux: 1.3, freebsd: 1.3 }, value: slopesOver('session', 'floor') },
  { name: 'session-memory-kib', of: 'session-memory', bars: { linux: 64, freebsd: 64 }, bound: '<', value: ofOnly(median) },
]

/**
 * The claims about cases that were asked for, on a system. One that was not measured does not hold, and says why.
 * @param {Case[]} cases
 * @param {string} system
 */
export function ratiosOf(cases, system) {
  const asked = new Map(cases.map((one) => [one.name, one]))
  return claims
    .filter(({ of: name, bars }) => asked.has(name) && bars[system] !== undefined)
    .map(({ name, of: from, bars, bound = '<=', value }) => {
      const bar = bars[system]
      const measured = measure(asked.get(from), value)
      return { name, ...measured, bar, bound, holds: measured.value !== null && meets(measured.value, bound, bar) }
    })
}

function meets(value, bound, bar) {
  if (bound === '<') return value < bar
  return bound === '<=' ? value <= bar : value >= bar
}

function measure(one, value) {
  const reason = one.notMeasured ?? (one.failed === undefined ? undefined : 'the case failed')
  if (reason !== undefined) return { value: null, notMeasured: reason }
  const samples = new Map(one.subjects.map((subject) => [subject.name, subject.samples]))
  return value(one, (name) => {
    const found = samples.get(name)
    if (found === undefined) throw new Absent(one.missing?.[name] ?? `${one.name} has no subject ${name}`)
    return found
  })
}

/** Thrown for a subject that could not be measured. */
class Absent extends Error {}

function unlessAbsent(compute) {
  return (one, samplesOf) => {
    try {
      return compute(one, samplesOf)
    } catch (error) {
      if (!(error instanceof Absent)) throw error
      return { value: null, notMeasured: error.message }
    }
  }
}

function over(above, below) {
  return unlessAbsent(({ rounds }, samplesOf) => ratioOfMedians(samplesOf(above), samplesOf(below), rounds))
}

function worseOf(...values) {
  return (...given) => values.map((value) => value(...given)).reduce((worst, one) => (one.value === null || one.value > worst.value ? one : worst))
}

function of(name, statistic) {
  return unlessAbsent((_, samplesOf) => statisticOf(samplesOf(name), statistic))
}

function ofOnly(statistic) {
  return (one) => statisticOf(one.subjects[0].samples, statistic)
}

function statisticOf(samples, statistic) {
  return { value: statistic(samples), ...bootstrapInterval([samples], statistic) }
}

function slopesOver(above, below) {
  return (one) => {
    const [a, b] = [above, below].map((series) => one.subjects.filter((subject) => subject.series === series))
    if (b.length === 0) return { value: null, notMeasured: one.missing?.[below] ?? `${one.name} has no series ${below}` }
    const slope = (subjects, groups) => lineThrough(subjects.map(({ x }, index) => [x, median(groups[index])])).slope
    const ratio = (...groups) => slope(a, groups.slice(0, a.length)) / slope(b, groups.slice(a.length))
    const groups = [...a, ...b].map(({ samples }) => samples)
    return { value: ratio(...groups), ...bootstrapInterval(groups, ratio) }
  }
}
