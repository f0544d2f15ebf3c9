import { describe, expect, test } from 'vitest'

import { inputCounts, isFailure, ratiosOf, verdictOn } from '../../bench/ratios.mjs'

const subject = (name: string, value: number) => ({ name, unit: 'ms', samples: [value, value, value] })

const warm = (run: number, ...others: ReturnType<typeof subject>[]) => ({
  name: 'warm-run',
  subjects: [subject('session.run', run), subject('child_process.spawn', 2), ...others],
})

const byName = (cases: Parameters<typeof ratiosOf>[0], options: Parameters<typeof ratiosOf>[1] = { isJudged: true }) =>
  Object.fromEntries(ratiosOf(cases, options).map((ratio) => [ratio.name, ratio]))

describe('a ratio', () => {
  test('holds at its bar and not above it', () => {
    expect(byName([warm(1)])['warm-run/spawn']).toMatchObject({ value: 0.5, bar: 0.5, bound: '<=', verdict: 'holds' })
    expect(byName([warm(1.1)])['warm-run/spawn']).toMatchObject({ value: 0.55, verdict: 'does not hold' })
  })

  test('where more is better, holds from its bar upwards', () => {
    const rate = (value: number) => ({ name: 'stdout', subjects: [subject('session.spawn', value), subject('child_process.spawn', 100)] })
    expect(byName([rate(90)])['stdout/spawn']).toMatchObject({ bound: '>=', verdict: 'holds' })
    expect(byName([rate(89)])['stdout/spawn']).toMatchObject({ verdict: 'does not hold' })
  })

  test('of a stall is a 99th hundredth, and strictly below', () => {
    const loop = (worst: number) => ({ name: 'event-loop', subjects: [{ name: 'build(plan)', unit: 'ms', samples: [worst, worst, worst] }] })
    expect(byName([loop(1)])['stall-p99-ms']).toMatchObject({ value: 1, verdict: 'does not hold' })
    expect(byName([loop(0.9)])['stall-p99-ms']).toMatchObject({ value: 0.9, verdict: 'holds' })
  })

  test('of a big parent is the worse of a build and a run', () => {
    const subjects = [subject('build, 50 MB', 2), subject('build, 2 GB', 2), subject('run, 50 MB', 1), subject('run, 2 GB', 1.1)]
    expect(byName([{ name: 'parent-size', subjects }])['rss-2gb/50mb']).toMatchObject({ value: 1.1, verdict: 'does not hold' })
  })

  test('of slopes leaves out what does not grow', () => {
    const line = (series: string, fixed: number, each: number) =>
      inputCounts.map((x) => subject(`${series}, ${x} inputs`, fixed + each * x))
    const subjects = [...line('session', 50, 0.012), ...line('floor', 1, 0.01)]
    const ratio = byName([{ name: 'cold-inputs', subjects }])['inputs-slope/floor']
    expect(ratio?.value).toBeCloseTo(1.2)
    expect(ratio?.verdict).toBe('holds')
  })
})

describe('a bar that is missed by less than the own interval of a value is within noise, and no failure', () => {
  test.each([
    [{ value: 0.61, low: 0.58, high: 0.63 }, '<=', 0.6, 'within noise'],
    [{ value: 0.61, low: 0.605, high: 0.63 }, '<=', 0.6, 'does not hold'],
    [{ value: 0.59, low: 0.5, high: 0.7 }, '<=', 0.6, 'holds'],
    [{ value: 2.9, low: 2.8, high: 3.1 }, '>=', 3, 'within noise'],
    [{ value: 2.9, low: 2.8, high: 2.95 }, '>=', 3, 'does not hold'],
    [{ value: 1.1, low: 1, high: 1.2 }, '<', 1, 'does not hold'],
    [{ value: null }, '<=', 1, 'not measured'],
  ])('%o %s %d: %s', (measured, bound, bar, verdict) => {
    expect(verdictOn(measured, bound, bar)).toBe(verdict)
  })

  test('of a whole run', () => {
    const failing = ['holds', 'within noise', 'not judged', 'does not hold', 'not measured'].filter((verdict) => isFailure({ verdict }))
    expect(failing).toEqual(['does not hold', 'not measured'])
  })
})

test('a machine that the bars are not meant for is told the values and no verdict', () => {
  expect(byName([warm(20)], { isJudged: false })['warm-run/spawn']).toMatchObject({ value: 10, verdict: 'not judged' })
})

test('a claim that needs what the machine lacks is told and not judged, and the others are', () => {
  const limits = { name: 'limits', subjects: [subject('build', 1), subject('build, limited', 2), subject('run', 1), subject('run, limited', 1)] }
  const found = byName([limits], { isJudged: true, lacks: ['cgroups of version 2'] })
  expect(found['limits-build/none']).toMatchObject({ value: 2, verdict: 'not judged' })
  expect(found['limits-run/none']?.verdict).toBe('holds')
  expect(byName([limits])['limits-build/none']?.verdict).toBe('does not hold')
})

describe('what was not measured does not hold, and says why', () => {
  test('a case', () => {
    const found = byName([{ name: 'pool', notMeasured: 'no room' }])
    expect(found['pool/spawn']).toMatchObject({ value: null, verdict: 'not measured', notMeasured: 'no room' })
  })

  test('a peer', () => {
    const found = byName([{ ...warm(1), missing: { 'floor, inside': 'there is no cc' } }])
    expect(found['warm-run/floor-inside']).toMatchObject({ value: null, verdict: 'not measured', notMeasured: 'there is no cc' })
    expect(found['warm-run/spawn']?.verdict).toBe('holds')
  })

  test('a series', () => {
    const found = byName([{ name: 'cold-inputs', subjects: inputCounts.map((x) => subject(`session, ${x} inputs`, 1)), missing: { 'floor, 0 inputs': 'no root' } }])
    expect(found['inputs-slope/floor']).toMatchObject({ verdict: 'not measured', notMeasured: 'no root' })
  })

  test('a case that failed', () => {
    expect(byName([{ name: 'compile', failed: 'Error: ...' }])['compile/bare']).toMatchObject({ value: null, verdict: 'not measured' })
  })
})

test('every claim has its case', () => {
  const every = ['warm-run', 'cold-build', 'cold-inputs', 'pool', 'concurrency', 'event-loop', 'spec-stall', 'parent-size', 'host-mounts', 'session-memory', 'stdout', 'compile', 'large-output', 'command-line']
  const cases = every.map((name) => ({ name, notMeasured: 'not here' }))
  expect(ratiosOf(cases, { isJudged: true }).map(({ name, bar }) => [name, bar])).toEqual([
    ['warm-run/spawn', 0.5], ['warm-run/floor-inside', 1.2], ['cold-build/bwrap', 0.25], ['cold-build/floor', 1.35], ['inputs-slope/floor', 1.3],
    ['pool/spawn', 0.75], ['throughput/bwrap', 3.2], ['stall-p99-ms', 1], ['spec-stall/none', 1.25], ['rss-2gb/50mb', 1.05], ['host-mounts-1000/0', 1.2],
    ['session-memory-kib', 64], ['stdout/spawn', 0.9], ['large-output/plain', 1.1], ['large-output/bwrap', 1], ['large-close-ms', 20],
    ['command-line/node', 1.6], ['compile/bare', 1.03],
  ])
  expect(ratiosOf([], { isJudged: true })).toEqual([])
})
