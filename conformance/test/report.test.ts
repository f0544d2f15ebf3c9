import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

import { ByRelease, group, shows } from '../src/case.ts'
import { cases, groups } from '../src/cases.ts'
import { pageOfReport } from '../src/page.ts'
import { countOf } from '../src/report.ts'
import { chosen, judged, runCases } from '../src/run.ts'
import { report } from './sample-report.ts'

const deviation = { seen: 'b', because: 'the page is old', cites: ['sys/x.c:y'] }

describe('the chosen cases', () => {
  it('have every one of the words in their name or title', () => {
    const found = chosen(groups, ['nullfs', 'FILE']).flatMap((one) => one.cases)
    expect(found.length).toBeGreaterThan(0)
    for (const { id, title } of found) expect(`${id} ${title}`).toMatch(/(?=.*nullfs)(?=.*file)/i)
    expect(chosen(groups, ['no such words'])).toEqual([])
    expect(chosen(groups, []).flatMap((one) => one.cases)).toHaveLength(cases.length)
  })
})

describe('a verdict', () => {
  const [one] = group('g', 'g', [shows('a', 'a', 'a', ['x(2)'], () => 'a', { deviation })]).cases
  it.each([
    ['a', 'conforms'],
    ['b', 'listed'],
    ['c', 'deviates'],
  ])('about a case that saw %s is: %s', (seen, verdict) => {
    expect(one).toBeDefined()
    if (one !== undefined) expect(judged(one, 'a', seen)).toMatchObject({ seen, verdict })
  })

  it('is counted', () => expect(countOf(report)).toEqual({ conforms: 1, listed: 1, deviates: 1, skipped: 1 }))

  it('depends on the release, where releases differ', () => {
    const table = new ByRelease([{ from: 1_500_000, is: 'new' }, { from: 0, is: 'old' }])
    expect([1_501_000, 1_500_000, 1_403_000].map((osreldate) => table.of(osreldate))).toEqual(['new', 'new', 'old'])
  })
})

describe('the page of a report', () => {
  const page = pageOfReport(report, '1')

  it('has everything, and no text of it as markup', () => {
    for (const text of ['known deviation', 'DEVIATES', 'not looked at: this kernel has no rctl', 'the page is old', 'sys/x.c:y', '[&quot;&lt;b&gt;&quot;]']) expect(page).toContain(text)
    expect(page).not.toContain('<b>')
    expect(page).not.toMatch(/<script|<img|<link|https?:/)
  })

  it('shows no character that turns the direction of writing', () => {
    const turned = { ...report, groups: [{ name: 'g', title: 'g', outcomes: [{ id: 'g/a', title: 'a\u202eb', cites: ['x(2)'], expected: '\u001b[1m', durationMs: 1, verdict: 'skipped' as const }] }] }
    expect(pageOfReport(turned, '1')).toContain(String.raw`a\u{202e}b`)
    expect(pageOfReport(turned, '1')).toContain(String.raw`\u{1b}[1m`)
  })

  it('is the same for the same report', () => expect(pageOfReport(structuredClone(report), '1')).toBe(page))
})

describe('buildjail-conformance', () => {
  const program = path.join(fileURLToPath(new URL('..', import.meta.url)), 'dist', 'main.js')
  const run = (...words: string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string } => spawnSync(process.execPath, [program, ...words], { encoding: 'utf8' })

  it('prints its help', () => expect(run('--help')).toMatchObject({ status: 0, stdout: expect.stringMatching(/^usage: buildjail-conformance /) as string, stderr: '' }))

  it('refuses words that no case has, and options that it does not have', () => {
    expect(run('--only', 'no such words')).toMatchObject({ status: 2, stderr: 'buildjail-conformance: --only: no case has no and such and words in its name or title\n' })
    expect(run('--onyl', 'nullfs')).toMatchObject({ status: 2, stderr: expect.stringContaining('--onyl') as string })
  })

  it.skipIf(process.platform === 'freebsd')('is refused off FreeBSD', async () => {
    await expect(runCases(groups)).rejects.toMatchObject({ code: 'ERR_BUILDJAIL_UNSUPPORTED_PLATFORM' })
    expect(run('--json')).toMatchObject({ status: 2, stdout: '', stderr: 'buildjail-conformance: the suite needs FreeBSD\n' })
  })
})
