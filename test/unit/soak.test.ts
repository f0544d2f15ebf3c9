import { expect, it } from 'vitest'

import { parseArguments } from '../../scripts/soak/arguments.mjs'
import { addTo, newIn, stillIn } from '../../scripts/soak/census.mjs'
import { choose } from '../../scripts/soak/choices.mjs'
import { kinds } from '../../scripts/soak/kinds.mjs'
import { progressLine } from '../../scripts/soak/progress.mjs'

it('a soak is what was asked for, and has a seed to be repeated by', () => {
  expect(parseArguments(['--builds', '10', '--concurrency', '2', '--kill', '0.5', '--seed', '7', '--json', 'out.json'])).toEqual({
    builds: 10,
    concurrency: 2,
    kill: 0.5,
    within: 2000,
    seed: 7,
    json: 'out.json',
  })
})

it('a soak that names no seed draws one, which is a seed that could be named', () => {
  const seeds = Array.from({ length: 20 }, () => parseArguments([]).seed)
  expect(new Set(seeds).size).toBeGreaterThan(1)
  for (const seed of seeds) expect(parseArguments(['--seed', String(seed)]).seed).toBe(seed)
})

it.each([
  [['--builds', '0'], '--builds'],
  [['--builds', '1e3'], '--builds'],
  [['--concurrency', 'many'], '--concurrency'],
  [['--kill', '1.5'], '--kill'],
  [['--kill', '-1'], '--kill'],
  [['--kill', '.'], '--kill'],
  [['--within', '-5'], '--within'],
  [['--seed', '4294967296'], '--seed'],
  [['--json', ''], '--json'],
  [['--jsn', 'x'], '--jsn'],
])('what cannot be asked for is refused, by its name: %j', (argv, option) => {
  expect(() => parseArguments(argv)).toThrow(option)
})

it('the same seed chooses the same, another does not, and no build hangs on the ones before', () => {
  const choices = (seed: number): unknown[] => Array.from({ length: 50 }, (_, build) => choose(seed, build, 0.5))
  expect(choices(1)).toEqual(choices(1))
  expect(choices(1)).not.toEqual(choices(2))
  expect(choose(1, 49, 0.5)).toEqual(choices(1)[49])
})

it('every kind of build is chosen, and as many are killed as was asked for, of both victims', () => {
  const choices = Array.from({ length: 20_000 }, (_, build) => choose(3, build, 0.1))
  expect(new Set(choices.map(({ kind }) => kind))).toEqual(new Set(Object.keys(kinds)))
  const victims = (who: string): number => choices.filter(({ victim }) => victim === who).length / choices.length
  expect(victims('build')).toBeCloseTo(0.05, 1)
  expect(victims('controller')).toBeCloseTo(0.05, 1)
  expect(choices.every(({ moment }) => moment >= 0 && moment < 1.2)).toBe(true)
  expect(Array.from({ length: 1000 }, (_, build) => choose(3, build, 0)).every(({ victim }) => victim === undefined)).toBe(true)
})

it('only what was not there before is new, and twice the same is two', () => {
  const before = { mounts: ['/', '/tmp'], processes: ['1 init'] }
  expect(newIn(before, before)).toEqual({})
  expect(newIn(before, { mounts: ['/'], processes: [] })).toEqual({})
  const found = newIn(before, { mounts: ['/', '/tmp', '/tmp', '/new'], processes: ['1 init'], jails: ['bj-soak-1'] })
  expect(found).toEqual({ mounts: ['/tmp', '/new'], jails: ['bj-soak-1'] })
  const counts = { mounts: 1 }
  addTo(counts, found)
  expect(counts).toEqual({ mounts: 3, jails: 1 })
})

it('what came later than the end of a session is not of that session', () => {
  const found = { processes: ['7 sleep', '8 sleep'], mounts: ['/new'] }
  expect(stillIn(found, { processes: ['8 sleep', '9 sleep'], mounts: [] })).toEqual({ processes: ['8 sleep'] })
})

it('progress says how fast, and how long it will take', () => {
  expect(progressLine({ builds: 50, kills: 1, leaks: 0 }, 1000, 5)).toBe('50 of 1000 builds   10.0/s   1 kills   0 leaks   1 min 35 s left')
  expect(progressLine({ builds: 0, kills: 0, leaks: 0 }, 1000, 5)).toContain('unknown')
})
