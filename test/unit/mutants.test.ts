import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'

type How = string | Readonly<Record<string, unknown>>
interface Mutant {
  readonly defence: string
  readonly off: Readonly<Record<string, How>>
}
type Sources = ReadonlyMap<string, string>

// What the scripts have, which are not compiled.
const scripts = fileURLToPath(new URL('../../scripts/mutants', import.meta.url))
const load = async <Module>(name: string): Promise<Module> => (await import(pathToFileURL(path.join(scripts, name)).href)) as Module
const { changedBy } = await load<{ changedBy: (mutant: Pick<Mutant, 'off'>, sources: Sources) => Map<string, string> }>('marks.mjs')
const { misfits } = await load<{ misfits: (mutants: readonly Mutant[], sources: Sources) => string[] }>('check.mjs')
const { chosen, nearest } = await load<{
  chosen: (mutants: readonly Mutant[], words: readonly string[]) => { readonly mutants: readonly Mutant[]; readonly unknown: readonly string[] }
  nearest: (mutants: readonly Mutant[], some: string) => string[]
}>('choice.mjs')

/** What becomes of the code below a mark, on one line. */
function changed(file: string, code: string, how: How): string {
  const before = 'first();\n// defence: it\n'
  const [[, text = ''] = []] = changedBy({ off: { it: how } }, new Map([[file, before + code]]))
  expect(text.startsWith(before)).toBe(true)
  return text.slice(before.length).replaceAll(/\s+/g, ' ').trim()
}

const native = 'native/a.cc'
const script = 'src/a.ts'

describe('a statement below a mark', () => {
  it.each([
    ['of one line', native, 'go(";", 1);\nstay();', 'if (0) { go(";", 1); } stay();'],
    ['of several lines', native, 'if (a)\n  go(\';\');\nelse if (b) {\n  wait();\n} else\n  end();\nstay();', "if (0) { if (a) go(';'); else if (b) { wait(); } else end(); } stay();"],
    ['with a loop', native, 'for (;;) {\n  if (a) return {};  // }\n}\nstay();', 'if (0) { for (;;) { if (a) return {}; // } } } stay();'],
    ['that is an entry of a list', native, '{one, {1, 2}},\n{other},\n};', '{other}, };'],
    ['that is the last entry of a list', native, '.one = go({1, 2})};', '};'],
    ['of TypeScript', script, 'await go(`${a ? "}" : ""}`)\nstay()', 'if (0) { await go(`${a ? "}" : ""}`) } stay()'],
    ['of TypeScript that goes on in the next line', script, 'const a = b\n  .c(/[/)]\\//u, 1)\n  || d\nstay()', 'if (0) { const a = b .c(/[/)]\\//u, 1) || d } stay()'],
    ['of TypeScript, the last of its block', script, "if (a !== b) throw c(')')\n}", "if (0) { if (a !== b) throw c(')') } }"],
    ['that is an entry of TypeScript', script, "'<': '&lt;',\n// defence: another\n'>': '&gt;',\n}", "// defence: another '>': '&gt;', }"],
  ])('%s is skipped, and nothing else', (_, file, code, expected) => {
    expect(changed(file, code, 'skip')).toBe(expected)
  })

  it.each([
    ['a condition', 'if (a == b || c) go();', 'always', 'if ((!0 || (a == b || c))) go();'],
    ['a condition with an else', 'if (a) go(); else stay();', 'never', 'if ((!1 && (a))) go(); else stay();'],
    ['a condition behind what it declares', 'if (auto a = b(); !a) return a;', 'never', 'if (auto a = b(); (!1 && (!a))) return a;'],
    ['what is returned', 'return a >= b;', 'always', 'return (!0 || (a >= b));'],
    ['what is assigned', 'a.b(i) = c == d;', 'never', 'a.b(i) = (!1 && (c == d));'],
    ['a declared value', 'constexpr int a = b | c;', { value: '7' }, 'constexpr int a = 7;'],
    ['a declaration without a value', 'std::string a;', { value: '"b"' }, 'std::string a = "b";'],
    ['a returned value', 'return a\n    ? b : c;', { value: '{}' }, 'return {};'],
    ['a named entry', '.a = b(1, 2),\n.c = d};', { value: '-1' }, '.a = -1, .c = d};'],
    ['a flag', 'open(a, O_PATH | ns::O_LINK | O_LINKS);', { without: 'O_LINK' }, 'open(a, O_PATH | 0 | O_LINKS);'],
    ['several flags', 'go(A | B | C);', { without: ['A', 'C'] }, 'go(0 | B | 0);'],
    ['a text of a list', 'for (auto a : {"b", "c"}) go(a);', { without: '"b"' }, 'for (auto a : {"c"}) go(a);'],
    ['a name for another', 'go(a.b, b);', { swap: { b: 'c' } }, 'go(a.b, c);'],
    ['what a constructor initialises', ': a_(b.c), d_{e} {}', { swap: { 'b.c': 'f' } }, ': a_(f), d_{e} {}'],
    ['what comes before', 'return a;', { first: 'go();' }, 'go(); return a;'],
  ] as const)('has %s changed', (_, code, how, expected) => {
    expect(changed(native, code, how)).toBe(expected)
  })

  it.each([
    ['a condition that is what it declares', 'if (auto* a = b()) go();', 'never', 'declares what it asks for'],
    ['no condition', 'go();', 'always', 'no condition and no value'],
    ['a flag that is not there', 'go(A);', { without: 'B' }, 'B is there 0 times'],
    ['a flag that is there twice', 'go(A, A);', { without: 'A' }, 'A is there 2 times'],
    ['an operation that is none', 'go();', 'drop', '"drop" is no operation'],
    ['two operations', 'go();', { first: 'a', value: 'b' }, 'is no operation'],
  ] as const)('fits no operation: %s', (_, code, how, why) => {
    expect(() => changed(native, code, how)).toThrow(why)
  })
})

describe('marks and mutants that do not fit each other', () => {
  const off = { here: 'skip' }
  const one = '// defence: here\ngo();\n'

  it.each<readonly [string, Sources, readonly Mutant[], string[]]>([
    ['nothing, as they do', new Map([[native, one]]), [{ defence: 'a', off }], []],
    ['a mark of no mutant', new Map([[native, one]]), [], ['native/a.cc: no mutant switches off // defence: here']],
    ['a mutant without its mark', new Map([[native, 'go();\n']]), [{ defence: 'a', off }], ['a: its mark stands 0 times in the code: // defence: here']],
    ['a mark in two files', new Map([[native, one], [script, one]]), [{ defence: 'a', off }], ['a: its mark stands 2 times in the code: // defence: here']],
    [
      'both languages in one mutant',
      new Map([[native, one], [script, '// defence: there\ngo()\n']]),
      [{ defence: 'a', off: { here: 'skip', there: 'skip' } }],
      ['a: a mutant is either of native code or of TypeScript'],
    ],
    ['one statement for two marks', new Map([[native, `// defence: there\n${one}`]]), [{ defence: 'a', off: { here: 'skip', there: 'skip' } }], ['a: two marks of one mutant stand above the same statement']],
  ])('say so: %s', (_, sources, mutants, expected) => {
    expect(misfits(mutants, sources)).toEqual(expected)
  })
})

describe('the words that choose defences', () => {
  const mutants = ['inputs are read-only', 'the root is read-only', 'no link is followed'].map((defence) => ({ defence, off: { [defence.slice(0, 2)]: 'skip' } }))
  const sentencesFor = (...words: string[]): string[] => chosen(mutants, words).mutants.map(({ defence }) => defence)

  it('are of sentences or marks, all of them where there is none, and one that is of nothing is told', () => {
    expect(sentencesFor()).toHaveLength(3)
    expect(sentencesFor('read-only')).toEqual(['inputs are read-only', 'the root is read-only'])
    expect(sentencesFor('inputs', 'are|no')).toEqual(['inputs are read-only', 'no link is followed'])
    expect(chosen(mutants, ['inputs|nonsense']).unknown).toEqual(['nonsense'])
    expect(nearest(mutants, 'roots read-only')[0]).toBe('the root is read-only')
  })
})
