import { readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'

import { titlesOf } from './test-titles.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const textOf = (file: string): string => readFileSync(path.join(root, file), 'utf8')

/** As the page names them, by the title as it stands in the source. */
const named = [...textOf('docs/security.md').matchAll(/`(test\/[\w/.-]+\.test\.ts)`: "([^"]+)"/g)].map(([, file = '', title = '']) => [file, title] as const)

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
  it('names tests for what it promises', () => {
    expect(named.length).toBeGreaterThan(30)
    expect(textOf('docs/security.md').split('## What it does not protect from')[0]?.match(/^- /gm)?.length).toBeGreaterThan(20)
  })

  it.each(named)('%s has the test "%s"', (file, title) => {
    expect(testsNamed(file, title)).not.toEqual([])
  })

  it('is not held to a name that only begins like a test, or stands in its text', () => {
    const file = 'test/unit/security-page.test.ts'
    expect(testsNamed(file, 'names tests for what it promises')).toHaveLength(1)
    for (const other of ['names tests for what', 'names tests for what it promises not', 'docs/security.md', 'expect']) expect(testsNamed(file, other)).toEqual([])
  })
})

describe('the defences that npm run test:mutants switches off', () => {
  it.each(mutants.map((mutant) => [mutant.defence, mutant] as const))('%s: is where the table says, with tests of that name', (_, mutant) => {
    expect(edited(textOf(mutant.file), mutant)).not.toBe(textOf(mutant.file))
    expect(mutant.tests.length).toBeGreaterThan(0)
    for (const [file, title] of mutant.tests) expect([title, ...testsNamed(file, title)]).not.toEqual([title])
  })
})
