import { beforeEach, describe, expect, test } from 'vitest'

import { NotMeasured } from '../../bench/measure/not-measured.mjs'
import { inRounds, takeTurns } from '../../bench/measure/turns.mjs'
import {
  estimate,
  median,
  quantile,
  ratioOf,
  slopeThrough,
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
    const few = estimate([upTo(10)], median)
    const many = estimate([upTo(10).flatMap((value) => Array.from({ length: 100 }, () => value))], median)
    expect(few).toEqual(estimate([upTo(10)], median))
    expect(few.low).toBeLessThanOrEqual(median(upTo(10)))
    expect(few.high).toBeGreaterThanOrEqual(median(upTo(10)))
    expect(many.high - many.low).toBeLessThan(few.high - few.low)
  })

  test('an interval is as wide as the processes that were measured differ, however many samples were taken of each', () => {
    const slowAndFast = [...Array.from({ length: 100 }, () => 2), ...Array.from({ length: 100 }, () => 1)]
    const mean = (samples: ArrayLike<number>): number => Array.from(samples).reduce((sum, value) => sum + value, 0) / samples.length
    const asOne = estimate([slowAndFast], mean)
    expect(asOne.high - asOne.low).toBeLessThan(0.2)
    expect(estimate([slowAndFast], mean, 2)).toEqual({ value: 1.5, low: 1, high: 2 })
  })

  test('rounds are drawn for both sides of a ratio alike: what was slow for both does not count', () => {
    const both = [...Array.from({ length: 50 }, () => 1), ...Array.from({ length: 50 }, () => 4)]
    const twice = both.map((value) => value * 2)
    expect(ratioOf(twice, both, { rounds: 2 })).toEqual({ value: 2, low: 2, high: 2 })
  })

  test('a ratio of equal samples is 1, and its interval holds that', () => {
    const { value, low, high } = ratioOf(upTo(50), upTo(50))
    expect(value).toBe(1)
    expect(low).toBeLessThan(1)
    expect(high).toBeGreaterThan(1)
  })

  test('a summary has the three quantiles, each in its interval', () => {
    const { n, p50, p90, p99 } = summarise(upTo(200))
    expect([n, p50.value, p90.value, p99.value]).toEqual([200, 101, 181, 199])
    for (const { value, low, high } of [p50, p90, p99]) expect([low <= value, value <= high]).toEqual([true, true])
  })

  test('a slope is that of the line that points lie on', () => {
    expect(slopeThrough([[0, 3], [10, 23], [1000, 2003]])).toBeCloseTo(2)
  })
})

describe('subjects', () => {
  let turns: string[]
  let at: number
  beforeEach(() => {
    turns = []
    at = 0
  })
  const subject = (name: string) => ({
    take: async (count: number) => {
      turns.push(name)
      return upTo(count).map(() => (at += 1))
    },
  })

  test('take turns, and the first turn of each does not count', async () => {
    const taken = await takeTurns({ a: subject('a'), b: subject('b') }, { samples: 4, perBlock: 2, warmUp: 0 })
    expect(turns).toEqual(['a', 'b', 'a', 'b', 'a', 'b'])
    expect(taken).toEqual({ a: [5, 6, 9, 10], b: [7, 8, 11, 12] })
  })

  test('are warmed up in turn, each by as many samples as are asked for', async () => {
    await takeTurns({ a: subject('a'), b: subject('b') }, { samples: 1, perBlock: 1, warmUp: 2 })
    expect(turns).toEqual(['a', 'b', 'a', 'b', 'a', 'b'])
  })

  test('take a tenth of the samples in two rounds and without warming up, where few do', async () => {
    const begin = () => ({ a: () => subject('a') })
    const { subjects, rounds } = await inRounds({ isQuick: true }, { rounds: 5, samples: 80, perBlock: 10, unit: 'KiB' }, begin)
    expect([rounds, turns.length]).toEqual([2, 4])
    expect(subjects).toEqual([{ name: 'a', unit: 'KiB', samples: [5, 6, 7, 8, 13, 14, 15, 16] }])
  })

  test('that cannot be had are told with the reason, and any other error is one', async () => {
    const failing = (error: Error) => (): never => {
      throw error
    }
    const settings = { samples: 1, perBlock: 1, warmUp: 0 }
    const { subjects, missing } = await inRounds({ isQuick: false }, settings, () => ({ a: () => subject('a'), b: failing(new NotMeasured('no cc')) }))
    expect([subjects.map(({ name }) => name), missing]).toEqual([['a'], { b: 'no cc' }])
    await expect(inRounds({ isQuick: false }, settings, () => ({ b: failing(new Error('it broke')) }))).rejects.toThrow('it broke')
  })
})

test('each round has programs of its own, which are ended even where one failed, and an equal share of the samples', async () => {
  const events: string[] = []
  let round = 0
  const begin = () => {
    round += 1
    const own = round
    const subject = (name: string) => () => ({
      take: async (count: number) => {
        events.push(`${name} ${own}`)
        if (own === 4) throw new Error('it ended early')
        return upTo(count).map(() => own)
      },
      end: async () => {
        events.push(`end ${name} ${own}`)
      },
    })
    return { a: subject('a'), b: subject('b') }
  }
  const settings = { samples: 6, perBlock: 2, warmUp: 0 }
  const { subjects, rounds, missing } = await inRounds({ isQuick: false }, { ...settings, rounds: 3 }, begin)
  expect([rounds, missing]).toEqual([3, {}])
  expect(subjects).toEqual(['a', 'b'].map((name) => ({ name, unit: 'ms', samples: [1, 1, 2, 2, 3, 3] })))
  // The first turn of each is to warm up.
  expect(events).toEqual([1, 2, 3].flatMap((own) => [`a ${own}`, `b ${own}`, `a ${own}`, `b ${own}`, `end a ${own}`, `end b ${own}`]))
  await expect(inRounds({ isQuick: false }, settings, begin)).rejects.toThrow('it ended early')
  expect(events.slice(-2)).toEqual(['end a 4', 'end b 4'])
})
