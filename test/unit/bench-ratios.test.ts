import { describe, expect, test } from 'vitest'

import { ratiosOf } from '../../bench/ratios.mjs'

const subject = (name: string, value: number, more: object = {}) => ({ name, unit: 'ms', samples: [value, value, value], ...more })

const warm = (run: number, ...others: ReturnType<typeof subject>[]) => ({
  name: 'warm-run',
  subjects: [subject('session.run', run), subject('child_process.spawn', 2), ...others],
})

const byName = (cases: Parameters<typeof ratiosOf>[0], system = 'linux') =>
  Object.fromEntries(ratiosOf(cases, system).map((ratio) => [ratio.name, ratio]))

describe('a ratio', () => {
  test('holds at its bar and not above it', () => {
    expect(byName([warm(1.4)])['warm-run/spawn']).toMatchObject({ value: 0.7, bar: 0.7, bound: '<=', holds: true })
    expect(byName([warm(1.5)])['warm-run/spawn']).toMatchObject({ value: 0.75, holds: false })
  })

  test('has the bar of the system that was measured', () => {
    expect(byName([warm(2)], 'freebsd')['warm-run/spawn']).toMatchObject({ value: 1, bar: 1, holds: true })
    expect(byName([{ name: 'pool', notMeasured: 'none' }], 'freebsd')).toEqual({})
  })

  test('where more is better, holds from its bar upwards', () => {
    const rate = (value: number) => ({ name: 'stdout', subjects: [subject('session.spawn', value), subject('child_process.spawn', 100)] })
    expect(byName([rate(90)])['stdout/spawn']).toMatchObject({ bound: '>=', holds: true })
    expect(byName([rate(89)])['stdout/spawn']).toMatchObject({ holds: false })
  })

  test('of a stall is a 99th hundredth, and strictly below', () => {
    const loop = (worst: number) => ({ name: 'event-loop', subjects: [{ name: 'build(plan)', unit: 'ms', samples: [...Array.from({ length: 50 }, () => 0.1), worst] }] })
    expect(byName([loop(1)])['stall-p99-ms']).toMatchObject({ value: 1, holds: false })
    expect(byName([loop(0.9)])['stall-p99-ms']).toMatchObject({ value: 0.9, holds: true })
  })

  test('of a big parent is the worse of a build and a run', () => {
    const subjects = [subject('build, 50 MB', 2), subject('build, 2 GB', 2), subject('run, 50 MB', 1), subject('run, 2 GB', 1.1)]
    expect(byName([{ name: 'parent-size', subjects }])['rss-2gb/50mb']).toMatchObject({ value: 1.1, holds: false })
  })

  test('of slopes leaves out what does not grow', () => {
    const line = (series: string, fixed: number, each: number) =>
      [0, 10, 1000].map((x) => subject(`${series}, ${x}`, fixed + each * x, { series, x }))
    const subjects = [...line('session', 50, 0.012), ...line('floor', 1, 0.01)]
    const ratio = byName([{ name: 'cold-inputs', subjects }])['inputs-slope/floor']
    expect(ratio?.value).toBeCloseTo(1.2)
    expect(ratio?.holds).toBe(true)
  })
})

describe('what was not measured does not hold, and says why', () => {
  test('a case', () => {
    const found = byName([{ name: 'pool', notMeasured: 'no SessionPool in this version' }])
    expect(found['pool/spawn']).toMatchObject({ value: null, holds: false, notMeasured: 'no SessionPool in this version' })
  })

  test('a peer', () => {
    const found = byName([{ ...warm(1), missing: { floor: 'there is no cc' } }])
    expect(found['warm-run/floor']).toMatchObject({ value: null, holds: false, notMeasured: 'there is no cc' })
    expect(found['warm-run/spawn']?.holds).toBe(true)
  })

  test('a case that failed', () => {
    expect(byName([{ name: 'compile', failed: 'Error: ...' }])['compile/bare']).toMatchObject({ value: null, holds: false })
  })
})

test('the claims of a system are all there, by name', () => {
  const every = ['warm-run', 'cold-build', 'cold-shell', 'pool', 'parent-size', 'host-mounts', 'event-loop', 'concurrency', 'stdout', 'compile', 'cold-inputs', 'session-memory']
  const cases = every.map((name) => ({ name, notMeasured: 'not here' }))
  expect(ratiosOf(cases, 'linux').map(({ name }) => name)).toEqual([
    'warm-run/spawn', 'warm-run/floor', 'cold-build/bwrap', 'cold-build/floor', 'pool/spawn', 'rss-2gb/50mb', 'host-mounts-1000/0',
    'stall-p99-ms', 'throughput/bwrap', 'stdout/spawn', 'compile/bare', 'inputs-slope/floor', 'session-memory-kib',
  ])
  expect(ratiosOf(cases, 'freebsd').map(({ name }) => name)).toContain('cold-build/shell')
  expect(ratiosOf([], 'linux')).toEqual([])
})
