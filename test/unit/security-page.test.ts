import { readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'

import { titlesOf } from './test-titles.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const textOf = (file: string): string => readFileSync(path.join(root, file), 'utf8')

const page = textOf('docs/security.md')
/** The numbers of the promises, in the order of the page. */
const promises = numbersOf(page)
const rows = rowsOf(page)

/** A promise begins a line with its number. */
function numbersOf(text: string): number[] {
  const [, promised = ''] = /\n## What a session promises\n(.*?)\n## /s.exec(text) ?? []
  return [...promised.matchAll(/^(\d+)\. \S/gm)].map(([, number]) => Number(number))
}

/** The lines of the table: the number of a promise, a file, and a title as it stands in the source. */
function rowsOf(text: string): (readonly [number: number, file: string, title: string])[] {
  const [, table = ''] = /\n\| promise \| file \| test \|\n\|---\|---\|---\|\n(.*)$/s.exec(text) ?? []
  return table
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [, number, file = '', title = ''] = /^\| (\d+) \| `((?:runner\/)?test\/[\w/.-]+\.test\.ts)` \| (\S.*) \|$/.exec(line) ?? []
      if (number === undefined) throw new Error(`no line of the table: ${line}`)
      return [Number(number), file, title] as const
    })
}

interface Mutant {
  readonly defence: string
  readonly file: string
  readonly off: readonly (readonly [string, string])[]
  readonly tests: readonly (readonly [string, string])[]
}

// What the scripts have, which are not compiled.
const scripts = path.join(root, 'scripts', 'mutants')
const load = async (name: string): Promise<unknown> => import(pathToFileURL(path.join(scripts, name)).href)
const { defences } = (await load('defences.mjs')) as { defences: Readonly<Record<string, readonly Mutant[]>> }
const { edited } = (await load('sources.mjs')) as { edited: (text: string, mutant: Mutant) => string }
const { isTitled } = (await load('titles.mjs')) as { isTitled: (name: string, title: string) => boolean }
const mutants = Object.values(defences).flat()
const known = new Map<string, readonly string[]>()

/** The tests of a file that have that name. */
function testsNamed(file: string, name: string): string[] {
  const titles = known.get(file) ?? titlesOf(path.join(root, file))
  known.set(file, titles)
  return titles.filter((title) => isTitled(name, title))
}

describe('docs/security.md', () => {
  it('numbers its promises one after the other', () => {
    expect(promises.length).toBeGreaterThan(30)
    expect(promises).toEqual(promises.map((_, index) => index + 1))
  })

  it('names a test for each promise, and a promise for each test, in their order', () => {
    const numbers = rows.map(([number]) => number)
    expect([...new Set(numbers)]).toEqual(promises)
    expect(numbers).toEqual(numbers.toSorted((one, other) => one - other))
    expect(new Set(rows.map((row) => row.join(' '))).size).toBe(rows.length)
  })

  it.each(rows)('promise %i: %s has the test "%s"', (_, file, title) => {
    expect(testsNamed(file, title)).not.toEqual([])
  })

  it('is read whole: a promise without a line, or a line that is none, does not go unseen', () => {
    const text = '\n## What a session promises\n\n1. One.\n2. Another,\n   of two lines.\n\n## Tests\n\n| promise | file | test |\n|---|---|---|\n| 1 | `test/a.test.ts` | is so |\n'
    expect(numbersOf(text)).toEqual([1, 2])
    expect(rowsOf(text)).toEqual([[1, 'test/a.test.ts', 'is so']])
    for (const line of ['| 2 | test/a.test.ts | is so |', '| 2 | `test/a.test.ts` |', '2', '']) expect(() => rowsOf(`${text}${line}\n| 1 | \`test/a.test.ts\` | is so |`)).toThrow('no line')
  })

  it('is not held to a name that only begins like a test, or stands in its text', () => {
    const file = 'test/unit/security-page.test.ts'
    expect(testsNamed(file, 'numbers its promises one after the other')).toHaveLength(1)
    for (const other of ['numbers its promises', 'numbers its promises one after the other, not', 'docs/security.md', 'expect']) expect(testsNamed(file, other)).toEqual([])
  })
})

describe('the defences that npm run test:mutants switches off', () => {
  it.each(mutants.map((mutant) => [mutant.defence, mutant] as const))('%s: is where the table says, with tests of that name', (_, mutant) => {
    expect(edited(textOf(mutant.file), mutant)).not.toBe(textOf(mutant.file))
    expect(mutant.tests.length).toBeGreaterThan(0)
    for (const [file, title] of mutant.tests) expect([title, ...testsNamed(file, title)]).not.toEqual([title])
  })
})
