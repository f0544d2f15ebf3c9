import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

import { readOptions } from '../../bench/options.mjs'
import { mergedSteps } from '../../bench/report/charts/waterfall.mjs'
import { withFigures } from '../../bench/report/document.mjs'
import { resultsJson } from '../../bench/report/json.mjs'
import { pageOf } from '../../bench/report/page.mjs'
import { caseText, number, ratiosText } from '../../bench/report/text.mjs'
import { keptResults, performanceDocument } from '../../bench/results/kept.mjs'

const samples = Array.from({ length: 40 }, (_, index) => 1 + index / 8)
const results = {
  format: 1,
  isQuick: false,
  machine: {
    date: '2026-01-02T03:04:05.000Z', system: 'linux', kernel: 'Linux 6.0', architecture: 'x64', processor: 'Some <CPU>', cores: 2,
    memoryMiB: 2048, isEmulated: false, runtime: 'Node 20', version: '0.1.0', revision: 'abc', user: 'root', tools: { cc: 'cc 1' },
  },
  cases: [
    { name: 'warm-run', title: '`true` in a session', subjects: [{ name: 'session.run', unit: 'ms', samples }, { name: 'floor', unit: 'ms', samples }],
      missing: { spawn: 'no spawn & no <b>' } },
    { name: 'cold-inputs', title: 'by inputs', axis: 'inputs',
      subjects: [0, 10, 1000].map((x) => ({ name: `session, ${x}`, series: 'session', x, unit: 'ms', samples: samples.map((ms) => ms + x / 100) })),
      waterfall: [{ phase: 'open', step: 'mkdir', path: '/dev', ms: 0.25 }, { phase: 'open', step: 'mkdir', path: '/tmp', ms: 0.5 }, { phase: 'run', step: 'launch', ms: 1 }] },
    { name: 'pool', title: 'from a pool', notMeasured: 'no SessionPool in this version' },
  ],
  ratios: [
    { name: 'warm-run/spawn', value: 0.5, low: 0.4, high: 0.6, bar: 0.7, bound: '<=', holds: true },
    { name: 'pool/spawn', value: null, notMeasured: 'no SessionPool in this version', bar: 0.9, bound: '<=', holds: false },
  ],
}

describe('the results as JSON', () => {
  test('are read back as they were, in one line or many', () => {
    expect(JSON.parse(resultsJson(results))).toEqual(results)
    const line = resultsJson(results, { isOneLine: true })
    expect(line.startsWith('{"format":')).toBe(true)
    expect(line).not.toContain('\n')
    expect(JSON.parse(line)).toEqual(results)
  })
})

describe('the page', () => {
  const page = pageOf(results)

  test('needs nothing from elsewhere', () => {
    expect(page).not.toMatch(/https?:|<script|<link|<img|@import|url\(/)
  })

  test('escapes what is not its own', () => {
    expect(page).toContain('Some &lt;CPU&gt;')
    expect(page).toContain('no spawn &amp; no &lt;b&gt;')
    expect(page).not.toContain('<b>')
  })

  test('has no number that is none', () => {
    expect(page).not.toMatch(/NaN|Infinity|undefined/)
  })

  test('shows what was not measured, and a chart of what was', () => {
    expect(page).toContain('not measured: no SessionPool in this version')
    expect(page.match(/<svg/g)).toHaveLength(3)
  })
})

describe('the tables for a terminal', () => {
  test('say what does not hold and what was not measured', () => {
    const text = ratiosText(results.ratios)
    expect(text).toMatch(/warm-run\/spawn +0\.500 +0\.400-0\.600 +<= 0\.700 +holds/)
    expect(text).toContain('DOES NOT HOLD (not measured: no SessionPool in this version)')
    expect(caseText(results.cases[0] ?? { name: '', title: '' })).toContain('spawn: not measured: no spawn')
  })

  test('have three digits', () => {
    expect([0, 0.01234, 1.234, 12.34, 1234].map((value) => number(value))).toEqual(['0.00', '0.0123', '1.23', '12.3', '1234'])
  })
})

test('steps of one kind in one directory are one row, and nothing is lost', () => {
  const rows = mergedSteps(results.cases[1]?.waterfall ?? [])
  expect(rows.map(({ label, ms }) => [label, ms])).toEqual([['open: mkdir /… × 2', 0.75], ['run: launch', 1]])
})

describe('the document of figures', () => {
  const text = 'Before.\n<!-- figures: linux -->\nold\n<!-- end of figures -->\nAfter.\n'

  test('has them where its marks are, and everything else as it was', () => {
    const filled = withFigures(text, (name: string) => (name === 'linux' ? results : undefined))
    expect(filled).toMatch(/^Before\.\n<!-- figures: linux -->\nLinux 6\.0 on Some <CPU>/)
    expect(filled).toContain('| `warm-run/spawn` | 0.500 | 0.400 to 0.600 | at most 0.700 | yes |')
    expect(filled).toMatch(/\n<!-- end of figures -->\nAfter\.\n$/)
    expect(withFigures(filled, () => undefined)).toBe(text.replace('old', 'Not measured yet.'))
  })

  test('docs/performance.md says what bench/results says (npm run bench:docs)', () => {
    const kept = readFileSync(performanceDocument, 'utf8')
    expect(withFigures(kept, keptResults)).toBe(kept)
    expect(kept).toContain('<!-- figures: linux -->')
    expect(kept).toContain('<!-- figures: freebsd -->')
  })
})

describe('the options', () => {
  test('are all cases with bars, unless said otherwise', () => {
    expect(readOptions([], ['a', 'b'])).toMatchObject({ isQuick: false, hasBars: true, only: ['a', 'b'] })
    expect(readOptions(['--quick', '--no-bars', '--only', 'b'], ['a', 'b'])).toMatchObject({ isQuick: true, hasBars: false, only: ['b'] })
  })

  test('refuse a case that there is not, with those there are', () => {
    expect(() => readOptions(['--only', 'c'], ['a', 'b'])).toThrow('--only: there is no case c here; there are a, b')
  })
})
