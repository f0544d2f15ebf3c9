import { describe, expect, test } from 'vitest'

import { waterfallOf } from '../../bench/cases/waterfall.mjs'
import { takeTurns } from '../../bench/measure/turns.mjs'
import {
  bootstrapInterval,
  lineThrough,
  median,
  middleHalfMean,
  quantile,
  ratioOfMedians,
  summarise,
} from '../../bench/measure/statistics.mjs'

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1)

describe('what is said of samples', () => {
  test('a quantile is a sample, and the order in which they came does not matter', () => {
    expect(quantile([5, 1, 4, 2, 3], 0.5)).toBe(3)
    expect(quantile(upTo(100).reverse(), 0.99)).toBe(100)
    expect(quantile(upTo(1000), 0.9)).toBe(901)
    expect(quantile([7], 0.99)).toBe(7)
  })

  test('an interval holds the value, is the same every time, and narrows with more samples', () => {
    const few = bootstrapInterval([upTo(10)], median)
    const many = bootstrapInterval([upTo(10).flatMap((value) => Array.from({ length: 100 }, () => value))], median)
    expect(few).toEqual(bootstrapInterval([upTo(10)], median))
    expect(few.low).toBeLessThanOrEqual(median(upTo(10)))
    expect(few.high).toBeGreaterThanOrEqual(median(upTo(10)))
    expect(many.high - many.low).toBeLessThan(few.high - few.low)
  })

  test('a ratio of equal samples is 1, and its interval holds that', () => {
    const { value, low, high } = ratioOfMedians(upTo(50), upTo(50))
    expect(value).toBe(1)
    expect(low).toBeLessThan(1)
    expect(high).toBeGreaterThan(1)
  })

  test('a summary has the three quantiles, each in its interval', () => {
    const { n, p50, p90, p99 } = summarise(upTo(200))
    expect([n, p50.value, p90.value, p99.value]).toEqual([200, 101, 181, 199])
    for (const { value, low, high } of [p50, p90, p99]) expect([low <= value, value <= high]).toEqual([true, true])
  })

  test('a line goes through points that lie on one', () => {
    const { slope, intercept } = lineThrough([[0, 3], [10, 23], [1000, 2003]])
    expect(slope).toBeCloseTo(2)
    expect(intercept).toBeCloseTo(3)
  })

  test('the means of the parts add up to the mean of the whole, and outliers are in neither', () => {
    const samples = [[1, 2], [2, 2], [2, 3], [3, 3], [900, 1], [0, 0], [1, 900], [2, 4]]
    const total = (parts: number[]): number => parts.reduce((sum, part) => sum + part, 0)
    const means = middleHalfMean(samples, total, (parts: number[]) => parts)
    expect(total(means)).toBeCloseTo((4 + 5 + 6 + 6) / 4)
  })
})

describe('the steps of a session', () => {
  const trace = (ms: number): Parameters<typeof waterfallOf>[0][number] => ({
    phases: [ms, 5, 2],
    opened: [{ step: 'mount', path: '/', ns: 1e6 }],
    closed: [{ step: 'kill', ns: 5e5 }],
  })

  test('add up to the phases, with what is in no step as the last of its phase', () => {
    const parts = waterfallOf([trace(3), trace(3), trace(3), trace(3)])
    expect(parts.map(({ phase, step, ms }) => [phase, step, ms])).toEqual([
      ['open', 'mount', 1],
      ['open', 'JavaScript, thread hop', 2],
      ['run', 'launch, execute, wait', 5],
      ['close', 'kill', 0.5],
      ['close', 'JavaScript, thread hop', 1.5],
    ])
  })
})

test('subjects take turns, and the first turn of each does not count', async () => {
  const turns: string[] = []
  let at = 0
  const subject = (name: string) => async (count: number) => {
    turns.push(name)
    return upTo(count).map(() => (at += 1))
  }
  const taken = await takeTurns({ a: subject('a'), b: subject('b') }, { samples: 4, perBlock: 2 })
  expect(turns).toEqual(['a', 'b', 'a', 'b', 'a', 'b'])
  expect(taken).toEqual({ a: [5, 6, 9, 10], b: [7, 8, 11, 12] })
})
