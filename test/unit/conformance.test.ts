import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

import { loadGroups, withTables } from '../../scripts/conformance/tables.mjs'
import { dispatch } from '../../src/cli/dispatch.ts'
import { ByRelease, group, shows } from '../../src/conformance/case.ts'
import { cases, groups } from '../../src/conformance/cases.ts'
import { pageOfReport } from '../../src/conformance/page.ts'
import { countOf } from '../../src/conformance/report.ts'
import { chosen, judged, runCases } from '../../src/conformance/run.ts'
import { report } from './conformance-report.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const textOf = (file: string): string => readFileSync(path.join(root, file), 'utf8')
const deviation = { seen: 'b', because: 'the page is old', cites: ['sys/x.c:y'] }

describe('the cases', () => {
  it('are two hundred at least, each with a name of its own', () => {
    expect(cases.length).toBeGreaterThanOrEqual(200)
    expect(new Set(cases.map(({ id }) => id)).size).toBe(cases.length)
    expect(new Set(groups.map(({ name }) => name)).size).toBe(groups.length)
  })

  it.each(cases.map((one) => [one.id, one] as const))('%s says where it is documented', (_, { id, title, cites, deviation: known, expected }) => {
    expect(id).toMatch(/^[a-z0-9-]+\/[\w.-]+$/)
    expect(title).not.toBe('')
    for (const one of [...cites, ...(known?.cites ?? [])]) expect(one).toMatch(/^(?:[\w.]+\(\d\w*\)|(?:sys|lib|tests|contrib)\/[\w/.-]+|sysctl )/)
    expect(cites.length).toBeGreaterThan(0)
    // Else it could not deviate.
    if (known !== undefined) expect(known.seen).not.toEqual(expected)
  })

  it('are those that fit all of the words', () => {
    expect(chosen(['nullfs', 'FILE']).flatMap((one) => one.cases).every(({ id, title }) => /nullfs/i.test(`${id} ${title}`) && /file/i.test(`${id} ${title}`))).toBe(true)
    expect(chosen(['no such words'])).toEqual([])
    expect(chosen([]).flatMap((one) => one.cases)).toHaveLength(cases.length)
  })
})

describe('a verdict', () => {
  const [one] = group('g', 'g', [shows('a', 'a', 'a', ['x(2)'], () => 'a', { deviation })]).cases
  it.each([
    ['a', 'conforms'],
    ['b', 'listed'],
    ['c', 'deviates'],
  ])('of what was seen as %s is: %s', (seen, verdict) => {
    expect(one).toBeDefined()
    if (one !== undefined) expect(judged(one, 'a', seen)).toMatchObject({ seen, verdict })
  })

  it('is counted', () => expect(countOf(report)).toEqual({ conforms: 1, listed: 1, deviates: 1, skipped: 1 }))

  it('goes by the release, where releases differ', () => {
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

  it('is the same of the same report', () => expect(pageOfReport(structuredClone(report), '1')).toBe(page))
})

describe('buildjail conformance', () => {
  it.skipIf(process.platform === 'freebsd')('is refused off FreeBSD, in one way', async () => {
    await expect(runCases(groups)).rejects.toMatchObject({ code: 'ERR_BUILDJAIL_UNSUPPORTED_PLATFORM' })
    const said: string[] = []
    expect(await dispatch(['conformance', '--json'], { out: (text) => void said.push(text), err: (text) => void said.push(text) })).toBe(125)
    expect(said).toHaveLength(2)
    expect(JSON.parse(said[1] ?? '')).toMatchObject({ error: { code: 'ERR_BUILDJAIL_UNSUPPORTED_PLATFORM' } })
  })

  it('is loaded from beside the one file of the command line', () => {
    const program = path.join(root, 'dist/cli/main.cjs')
    const code = `Object.defineProperty(process, 'platform', { value: 'freebsd' }); require(${JSON.stringify(program)})`
    const { status, stderr } = spawnSync(process.execPath, ['-e', code, 'main.cjs', 'conformance', '--only', 'no such words'], { encoding: 'utf8' })
    expect({ status, stderr }).toEqual({ status: 125, stderr: 'buildjail: --only: no case has no and such and words in its name\n' })
  })

  it('is no part of the one file of the command line', () => {
    const bundle = textOf('dist/cli/buildjail.cjs')
    expect(bundle).toContain('../conformance/index.js')
    expect(bundle).not.toContain(cases[0]?.title)
  })
})

describe('its pages', () => {
  it('have tables of what there is (npm run docs:conformance)', async () => {
    const page = textOf('docs/freebsd/conformance.md')
    expect(withTables(page, await loadGroups())).toBe(page)
  })

  it("match ten of FreeBSD's own tests and more, with cases that there are", () => {
    const [matched = '', others = ''] = textOf('docs/freebsd/in-tree-tests.md').split('## What is not here')
    const rows = matched.split('\n').filter((line) => /^\| (?:tests|usr|lib|contrib)/.test(line))
    expect(rows.length).toBeGreaterThanOrEqual(10)
    const known = new Set(cases.map(({ id }) => id))
    for (const row of rows) {
      const ids = [...(row.split('|')[3] ?? '').matchAll(/`([^`]+)`/g)].map(([, id = '']) => id)
      expect(ids.length).toBeGreaterThan(0)
      expect(ids.filter((id) => !known.has(id))).toEqual([])
    }
    expect(others).toMatch(/\| tests\/sys\/kern\/procdesc\.c/)
  })
})
