import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

import { change, comparison, verdictOf } from '../../bench/report/comparison.mjs'
import { format, resultsJson, summaryOf } from '../../bench/report/results.mjs'
import { HostTree } from './host-tree.ts'

const tree = new HostTree()
const machine = { system: 'linux', kernel: 'Linux 6.0', processor: 'A', cores: 2, runtime: 'Node 20', user: 'root' }

/** A run with samples around a value. */
const run = (value: number, more: object = {}): object => ({
  format,
  machine: { ...machine, ...more },
  cases: [
    summaryOf({
      name: 'warm-run',
      title: 'a run',
      subjects: [
        { name: 'session.run', unit: 'ms', samples: Array.from({ length: 50 }, (_, index) => value * (1 + (index - 25) / 1000)) },
        { name: 'rate', unit: 'builds/s', samples: Array.from({ length: 50 }, (_, index) => (1 / value) * (1 + (index - 25) / 1000)) },
      ],
    }),
  ],
  ratios: [],
})

function compare(before: object, after: object, ...words: string[]): { status: number | null; stdout: string; stderr: string } {
  const files = [before, after].map((results, index) => {
    const file = tree.file(`record-${index}`)
    writeFileSync(file, resultsJson(results))
    return file
  })
  return spawnSync(process.execPath, ['bench/compare.mjs', ...words, ...files], { encoding: 'utf8' })
}

describe('two records', () => {
  test('that are the same have nothing that is slower', () => {
    const { status, stdout } = compare(run(2), run(2))
    expect(status).toBe(0)
    expect(stdout).toMatch(/`session.run` .* within noise/)
  })

  test('fail where something is slower by more than the bar, be it a time or a rate', () => {
    const { status, stdout } = compare(run(2), run(3))
    expect(status).toBe(1)
    expect(stdout).toMatch(/`session.run` +\| 2\.00 +\| 3\.00 +\| ms .* too slow/)
    expect(stdout).toMatch(/`rate` +.* too slow/)
  })

  test('do not fail where it is slower by less than a bar that was named, or faster', () => {
    expect(compare(run(2), run(3), '--bar', '2').status).toBe(0)
    expect(compare(run(3), run(2)).stdout).toMatch(/`session.run` .* faster/)
  })

  test('of other machines say so', () => {
    expect(compare(run(2), run(2, { cores: 4 })).stderr).toContain('cores differs: 2, 4')
  })

  test.each([
    ['is none', {}, [], 'is no record'],
    ['has no cases', { format, machine }, [], 'is no record'],
    ['has nothing in common with the other', { ...run(1), cases: [] }, [], 'nothing in common'],
    ['comes with a bar that is none', run(1), ['--bar', '0.5'], '--bar: must be a number of at least 1'],
  ])('of which one %s are refused in a sentence', (_, other, words, sentence) => {
    const { status, stderr } = compare(other, run(1), ...words)
    expect(status).toBe(125)
    expect(stderr).toContain(sentence)
  })
})

describe('a change', () => {
  const told = (value: number, spread: number): { value: number; low: number; high: number } => ({ value, low: value - spread, high: value + spread })

  test('has the widest interval that those of both allow', () => {
    expect(change(told(2, 1), told(6, 2))).toEqual({ value: 3, low: 4 / 3, high: 8 })
  })

  test.each([
    [{ low: 1.2, high: 1.4 }, 'ms', 'too slow'],
    [{ low: 1.05, high: 1.4 }, 'ms', 'slower'],
    [{ low: 0.9, high: 1.4 }, 'ms', 'within noise'],
    [{ low: 0.5, high: 0.9 }, 'ms', 'faster'],
    [{ low: 0.5, high: 0.8 }, 'builds/s', 'too slow'],
    [{ low: 1.2, high: 1.4 }, 'builds/s', 'faster'],
  ])('%o in %s is %s', (ratio, unit, verdict) => {
    expect(verdictOf(ratio, unit, 1.1)).toBe(verdict)
  })

  test('is told of what both records have, and of nothing that took no time', () => {
    const none = summaryOf({ name: 'phases', title: '', subjects: [{ name: 'a step', unit: 'ms', samples: [0, 0, 0] }] })
    expect(comparison({ cases: [none] }, { cases: [none] }, 1.1)).toEqual([])
  })
})
