import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, vi } from 'vitest'

import { sayingRecords, takingRecords } from '../../scripts/real/from-guest.mjs'
import { pageWith } from '../../scripts/real/page.mjs'
import { compare, type Difference } from '../real/suites/differences.ts'
import { differences } from '../real/suites/explained.ts'
import { suites } from '../real/suites/list.ts'
import { readAutomake, readGo, readJunit, readTap, readWords, type Outcome } from '../real/suites/outcomes.ts'
import type { SuiteRecord } from '../real/suites/record.ts'

const textOf = (name: string): string => readFileSync(fileURLToPath(new URL(`../../${name}`, import.meta.url)), 'utf8')
const records = JSON.parse(textOf('test/real/results.json')) as SuiteRecord[]
const outcomes = (each: Record<string, Outcome>): Map<string, Outcome> => new Map(Object.entries(each))

describe('what a suite says of its tests', () => {
  it('is read from JUnit’s XML, with suites inside suites, and names that come again or are not there', () => {
    const text =
      '<testsuites><testsuite start="x"><testcase name="a.b" time="1" /><testcase name="a &gt; c"><failure type="x>y">no</failure></testcase></testsuite>' +
      '<testsuite name="s"><testsuite name="t"><testcase name="one"/><testcase name="one"><skipped>not here</skipped></testcase></testsuite></testsuite><testcase /><testcase name="last"/></testsuites>'
    expect(readJunit(text)).toEqual(outcomes({ 'a.b': 'passed', 'a > c': 'failed', 's > t > one': 'passed', 's > t > one (2)': 'skipped', last: 'passed' }))
  })

  it('is read from the events of go test', () => {
    const text = '{"Action":"run","Package":"os","Test":"TestA"}\n{"Action":"pass","Package":"os","Test":"TestA/b"}\n{"Action":"fail","Package":"os","Test":"TestA"}\n{"Action":"fail","Package":"os"}\nnone\n'
    expect(readGo(text)).toEqual(outcomes({ 'os.TestA/b': 'passed', 'os.TestA': 'failed' }))
  })

  it('is read from TAP, of several programs', () => {
    const text = '# program: t0.sh\nok 1 - one\nnot ok 2 - two\nok 3 # skip three (missing ROOT)\nnot ok 4 - four # TODO known breakage\n# program: t1.sh\n1..0 # SKIP no perl\n'
    expect(readTap(text)).toEqual(outcomes({ 't0.sh: one': 'passed', 't0.sh: two': 'failed', 't0.sh: three': 'skipped', 't0.sh: four': 'passed', 't1.sh': 'skipped' }))
  })

  it('is read from Automake and from the runner of JUnit 4', () => {
    expect(readAutomake('PASS: tests/a.sh\nSKIP: tests/b.sh\nERROR: tests/c.sh\n# FAIL: 0\n')).toEqual(outcomes({ 'tests/a.sh': 'passed', 'tests/b.sh': 'skipped', 'tests/c.sh': 'failed' }))
    expect(readWords('TEST failed a(b.C)\nother\nTEST skipped a(b.C)\n')).toEqual(outcomes({ 'a(b.C)': 'failed', 'a(b.C) (2)': 'skipped' }))
  })
})

describe('the comparison of outside and inside', () => {
  const difference: Difference = { suite: 's', tests: /^a/, outside: 'passed', inside: 'failed', why: 'it is so' }

  it('takes a difference only for the outcomes and the tests that its explanation names', () => {
    const outside = outcomes({ a1: 'passed', a2: 'failed', b: 'passed', same: 'passed', gone: 'passed' })
    const inside = outcomes({ a1: 'failed', a2: 'passed', b: 'failed', same: 'passed', begun: 'skipped' })
    const { explained, unexplained, unmatched } = compare(outside, inside, [difference])
    expect(explained.map(({ changed }) => changed)).toEqual([[{ test: 'a1', outside: 'passed', inside: 'failed' }]])
    expect(unexplained.map((one) => [one.test, one.outside, one.inside])).toEqual([['a2', 'failed', 'passed'], ['b', 'passed', 'failed'], ['begun', 'absent', 'skipped'], ['gone', 'passed', 'absent']])
    expect(unmatched).toEqual([])
  })

  it('names an explanation that no test needs', () => {
    expect(compare(outcomes({ a: 'passed' }), outcomes({ a: 'passed' }), [difference]).unmatched).toEqual([difference])
  })

  it('has explanations only for suites that there are', () => {
    const names = new Set(suites.map(({ name }) => name))
    expect(differences.filter(({ suite }) => !names.has(suite))).toEqual([])
  })
})

describe('records of a guest', () => {
  it('come out of what it says, in any pieces, and the rest of that is shown', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'buildjail-records-'))
    const show = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    try {
      const record = { name: 's', why: 'it is “so”' }
      const command = sayingRecords(`echo '${JSON.stringify(record)}' > "$BUILDJAIL_REAL_RECORDS/root-s.json"; echo tested; false`)
      const said = execFileSync('sh', ['-c', `(${command}); echo "status $?"`], { encoding: 'latin1', env: { ...process.env, TMPDIR: folder } })
      const take = takingRecords(folder)
      for (const piece of said.match(/[^]{1,7}/g) ?? []) take(piece)
      expect(JSON.parse(readFileSync(path.join(folder, 'root-1.json'), 'utf8'))).toEqual(record)
      expect(show.mock.calls.map(([text]) => text).join('')).toBe('tested\nstatus 1\n')
    } finally {
      show.mockRestore()
      rmSync(folder, { recursive: true })
    }
  })
})

describe('docs/software.md', () => {
  it('is what npm run test:real -- --record made of test/real/results.json', () => {
    const page = textOf('docs/software.md')
    expect(pageWith(page, records)).toBe(page)
  })

  it('gives no reason that the list of differences does not have', () => {
    const reasons = new Set(differences.map(({ why }) => why))
    expect(records.flatMap((record) => record.differences.map(({ why }) => why)).filter((why) => !reasons.has(why))).toEqual([])
  })
})
