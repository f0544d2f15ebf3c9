import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

import { hasBars } from '../../bench/machine.mjs'
import { readOptions } from '../../bench/options.mjs'
import { actMarkdown, actOf, judged } from '../../bench/report/calls.mjs'
import { pageOf } from '../../bench/report/page.mjs'
import { format, resultsJson, summaryOf } from '../../bench/report/results.mjs'
import { number, table } from '../../bench/report/table.mjs'
import { caseMarkdown, claimsMarkdown, pageMarkdown, withFigures } from '../../bench/report/tables.mjs'

const samples = Array.from({ length: 40 }, (_, index) => 1 + index / 8)
const act = actOf('warm run', 1, { own: ['read', 'read', 'execve', 'read'], floor: ['vfork', 'execve', 'read', 'read'] })
const results = {
  format,
  isQuick: false,
  machine: {
    date: '2026-01-02T03:04:05.000Z', system: 'linux', kernel: 'Linux 6.0', processor: 'Some | CPU', cores: 2,
    isEmulated: false, runtime: 'Node 20', revision: 'abc', user: 'root',
  },
  cases: [
    summaryOf({ name: 'warm-run', title: '`true` in a session', subjects: [{ name: 'session.run', unit: 'ms', samples }], missing: { floor: 'no cc' } }),
    summaryOf({ name: 'pool', title: 'from a pool', notMeasured: 'no room' }),
  ],
  ratios: [
    { name: 'warm-run/spawn', value: 0.65, low: 0.55, high: 0.75, bar: 0.6, bound: '<=', verdict: 'within noise' },
    { name: 'cold-build/bwrap', value: 0.5, low: 0.45, high: 0.55, bar: 0.3, bound: '<=', verdict: 'does not hold' },
    { name: 'pool/spawn', value: null, notMeasured: 'no room', bar: 0.8, bound: '<=', verdict: 'not measured' },
  ],
  calls: [act],
}

describe('results that are kept', () => {
  test('have what is said of the samples, and not the samples', () => {
    expect(results.cases[0]?.subjects).toMatchObject([{ name: 'session.run', n: 40, p50: { value: 3.5 } }])
    expect(resultsJson(results)).not.toContain('samples')
  })

  test('are read back as they were, to the digits of a clock', () => {
    expect(JSON.parse(resultsJson(results)).ratios).toEqual(results.ratios)
    expect(JSON.parse(resultsJson({ value: 0.123456789 }))).toEqual({ value: 0.12346 })
  })
})

describe('tables', () => {
  test('say what does not hold, what is within noise and what was not measured', () => {
    const text = claimsMarkdown(results)
    expect(text).toMatch(/`warm-run\/spawn` +\| 0\.650 +\| 0\.550 to 0\.750 +\| at most 0\.600 +\| within noise /)
    expect(text).toMatch(/`cold-build\/bwrap` .* does not hold /)
    expect(text).toContain('not measured: no room')
    expect(text).toMatch(/calls of a warm run +\| 1\.00 +\| 4 of 4 +\| at most 1\.10 +\| holds /)
    expect(results.cases.map(caseMarkdown).join('\n')).toMatch(/`floor` +\| 0 +\| not measured +\| no cc [^]*not measured: no room/)
    expect(caseMarkdown(summaryOf({ name: 'pool', title: 'from a pool', failed: 'it hung' }))).toContain('FAILED: it hung')
  })

  test('tell no bar where there is no verdict', () => {
    const ratios = [{ name: 'a/b', value: 2, low: 1, high: 3, bar: 0.5, bound: '<=', verdict: 'not judged' }]
    expect(claimsMarkdown({ ratios })).toMatch(/`a\/b` +\| 2\.00 +\| 1\.00 to 3\.00 +\| +\| not judged \|$/)
  })

  test('are Markdown with columns of one width', () => {
    expect(table(['', 'b'], [['long', 'x|y']])).toBe('|      | b    |\n|------|------|\n| long | x\\|y |')
  })

  test('have three digits', () => {
    expect([0, 0.01234, 1.234, 12.34, 1234].map((value) => number(value))).toEqual(['0.00', '0.0123', '1.23', '12.3', '1234'])
  })
})

describe('counted calls', () => {
  test('are told for one act of many', () => {
    expect(actOf('run', 2, { own: ['read', 'read', 'write', 'read'], floor: ['read', 'read'] }).calls).toEqual([
      { name: 'read', buildjail: 1.5, floor: 1 },
      { name: 'write', buildjail: 0.5, floor: 0 },
    ])
  })

  test('are judged together: more of one may be made up for by less of another', () => {
    expect(judged(act)).toMatchObject({ buildjail: 4, floor: 4, ratio: 1, verdict: 'holds' })
    const more = actOf('warm run', 1, { own: Array(12).fill('read'), floor: Array(10).fill('read') })
    expect(judged(more)).toMatchObject({ ratio: 1.2, verdict: 'does not hold' })
    expect(actMarkdown(more)).toContain('1.20 times the floor\'s: does not hold.')
  })

  test('are side by side, one with nothing beside it too', () => {
    expect(act.calls).toEqual([{ name: 'read', buildjail: 3, floor: 2 }, { name: 'execve', buildjail: 1, floor: 1 }, { name: 'vfork', buildjail: 0, floor: 1 }])
  })
})

test('times are judged on Linux on a processor of its own, and nowhere else', () => {
  expect(hasBars({ system: 'linux', isEmulated: false })).toBe(true)
  expect(hasBars({ system: 'linux', isEmulated: true })).toBe(false)
  expect(hasBars({ system: 'freebsd', isEmulated: true })).toBe(false)
})

describe('the documents of figures', () => {
  const text = 'Before.\n<!-- figures: linux -->\nold\n<!-- end of figures -->\nAfter.\n'

  test('have them where their marks are, and everything else as it was', () => {
    const filled = withFigures(text, (name: string) => (name === 'linux' ? results : {}))
    expect(filled).toMatch(/^Before\.\n<!-- figures: linux -->\nLinux 6\.0 on Some \| CPU, 2 cores; Node 20 as root; revision abc, 2026-01-02\./)
    expect(filled).toContain(claimsMarkdown(results))
    expect(filled).toMatch(/\n<!-- end of figures -->\nAfter\.\n$/)
  })

  test('have every table of a run on its page, and no number that is none', () => {
    const page = pageMarkdown(results)
    for (const one of results.cases) expect(page).toContain(caseMarkdown(one))
    expect(page).toContain(actMarkdown(act))
    expect(page).not.toMatch(/NaN|Infinity|undefined/)
  })

  test('are made by a program that fails as buildjail does', () => {
    for (const words of [['bench/main.mjs', '--only', 'nope'], ['bench/compare.mjs', 'nope', 'nope']]) {
      expect(spawnSync(process.execPath, words, { encoding: 'utf8' })).toMatchObject({ status: 125, stderr: expect.stringMatching(/^buildjail: /) })
    }
  })

  test('say what bench/results says (npm run bench:docs)', () => {
    const { stdout, stderr, status } = spawnSync(process.execPath, ['bench/write-document.mjs', '--check'], { encoding: 'utf8' })
    expect([stderr, stdout, status]).toEqual(['', '', 0])
    const kept = readFileSync('docs/performance.md', 'utf8')
    for (const system of ['linux', 'freebsd']) expect(kept).toContain(`<!-- figures: ${system} -->`)
  })
})

describe('the options', () => {
  const cases = [{ name: 'a' }, { name: 'b', isBrief: true }, { name: 'c', isBrief: true }]

  test('are the brief cases with few samples and no bars, unless said otherwise', () => {
    expect(readOptions([], cases)).toMatchObject({ isQuick: true, hasBars: false, only: ['b', 'c'] })
    expect(readOptions(['--full', '--bars'], cases)).toMatchObject({ isQuick: false, hasBars: true, only: ['a', 'b', 'c'] })
    expect(readOptions(['--full', '--bars', '--no-bars', '--only', 'a'], cases)).toMatchObject({ isQuick: false, hasBars: false, only: ['a'] })
  })

  test('refuse a case that there is not, with those there are', () => {
    expect(() => readOptions(['--only', 'd'], cases)).toThrow('--only: there is no case d here; there are a, b, c')
  })
})

describe('the page for a browser', () => {
  const page = pageOf({ ...results, cases: [...results.cases, summaryOf({ name: 'stdout', title: 'a gigabyte', failed: '<script>' })] })

  test('has every case, its figures, and why one was not measured', () => {
    for (const text of ['3.50 ms', '<code>true</code> in a session', 'no room', 'no cc', 'Some | CPU']) expect(page).toContain(text)
  })

  test('loads and runs nothing, whatever a case said', () => {
    expect(page).not.toMatch(/<script|https?:|url\(/)
  })
})
