import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'

interface Test {
  readonly title: string
  readonly promises: readonly number[]
}

interface Mutant {
  readonly defence: string
  readonly tests: readonly (readonly [string, string])[]
}

const root = fileURLToPath(new URL('../..', import.meta.url))
// What the scripts have, which are not compiled.
const load = async (name: string): Promise<unknown> => import(pathToFileURL(path.join(root, 'scripts', name)).href)
const { testsOf } = (await load('security/tests.mjs')) as { testsOf: (source: string, name: string) => Test[] }
const { promisesOf, complaintsOf } = (await load('security/page.mjs')) as {
  promisesOf: (page: string) => number[]
  complaintsOf: (promises: readonly number[], tests: readonly (Test & { readonly file: string })[], mutants: readonly Mutant[]) => string[]
}

describe('the check of docs/security.md', () => {
  it('finds the promises of a test in the line above it', () => {
    const source = "// promise: 1\nit('one', f)\n  // promise: 2, 13\n  test.skipIf(x).each(rows)(`two %s`, f)\nit('three', f)\n"
    expect(testsOf(source, 'a.test.ts')).toEqual([
      { title: 'one', promises: [1] },
      { title: 'two %s', promises: [2, 13] },
      { title: 'three', promises: [] },
    ])
  })

  it.each(['// promise: 1\n\nit("one", f)', '// promise: 1\nf()', '// promise: one\nit("one", f)'])('refuses a promise that stands above no test: %j', (source) => {
    expect(() => testsOf(source, 'a.test.ts')).toThrow('a.test.ts:1: ')
  })

  it('names a promise without a test, a test without its promise, a number that is left out, and a defence without its test', () => {
    const page = '\n## What a session promises\n\n1. One.\n   - No more than that.\n2. Another,\n   of two lines.\n\n## Tests\n\n3. No promise.\n'
    expect(promisesOf(page)).toEqual([1, 2])
    const test = { file: 'a.test.ts', title: 'is %s', promises: [1, 2] }
    const defence = { defence: 'all', tests: [['a.test.ts', 'is %s']] as const }
    expect(complaintsOf([1, 2], [test], [defence])).toEqual([])
    expect(complaintsOf([1, 2, 3], [test], [])).toEqual(['promise 3 has no test'])
    expect(complaintsOf([1], [test], [])).toEqual(['a.test.ts: "is %s" names promise 2, which docs/security.md does not have'])
    expect(complaintsOf([2, 1], [test], [])).toEqual(['docs/security.md numbers its promises 2, 1'])
    expect(complaintsOf([1, 2], [test], [{ ...defence, tests: [] }])).toEqual(['the defence "all" has no test'])
    expect(complaintsOf([1, 2], [test], [{ ...defence, tests: [['a.test.ts', 'is']] }])).toEqual(['the defence "all" names a test that a.test.ts does not have: "is"'])
  })
})
