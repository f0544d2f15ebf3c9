import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

import { entries } from '../../scripts/api/entries.mjs'
import { reportOf } from '../../scripts/api/report.mjs'
import { errorCodes } from '../../scripts/errors/catalogue.mjs'
import * as api from '../../src/index.ts'

describe('what users of the package see', () => {
  // `npm run api` writes it anew.
  it.each(entries.map(({ name, source, report }) => [name, source, report] as const))('%s is what api/ says; where a change is meant: npm run api', (_, source, report) => {
    expect(reportOf(source)).toBe(readFileSync(report, 'utf8'))
  })

  it('is read from the sources: each name that is exported is there, with what it refers to', () => {
    const [report = ''] = entries.map(({ source }) => reportOf(source))
    for (const name of Object.keys(api)) expect(report).toMatch(new RegExp(String.raw`^(?:abstract )?(?:class|function|const) ${name}\b`, 'm'))
    expect(report).toContain('interface WithInputs {')
    expect(report).not.toContain('noteFailure')
  })
})

describe('the reference', () => {
  const folder = new URL('../../site/topics/', import.meta.url)
  const named = (text: string): string[] => [...text.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, list = '']) => list.split(',').map((name) => name.trim().replace('type ', '')).filter((name) => name !== ''))

  it('has each name that is exported on one page', () => {
    const exported = named(readFileSync(new URL('../../src/index.ts', import.meta.url), 'utf8'))
    // A RunRecord consists of types that no program has to name: its page has them all the same.
    const isTold = (file: string, name: string): boolean => file !== 'records.ts' || exported.includes(name)
    const told = readdirSync(folder).flatMap((file) => named(readFileSync(new URL(file, folder), 'utf8')).filter((name) => isTold(file, name)))
    const errors = [...new Set(errorCodes().map(({ name }) => name)), 'BuildjailError', 'isBuildjailError', 'Holder', 'HolderKind', 'OwnErrorCode', 'SpecErrorCode']
    expect([...told, ...errors].toSorted()).toEqual(exported.toSorted())
  })
})
