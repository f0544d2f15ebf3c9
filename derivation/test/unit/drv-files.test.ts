import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { readDerivation, writeDerivation, type Derivation } from '../../src/aterm.ts'
import { checkedDerivation, derivationPath } from '../../src/check.ts'

const directory = '/gnu/store'
const path = (name: string, digit = '0'): string => `${directory}/${digit.repeat(32)}-${name}`
const out = path('x')

const plain: Derivation = {
  outputs: new Map([['out', { path: out, method: '', hash: '' }]]),
  inputDrvs: new Map([[path('a.drv'), ['doc', 'out']], [path('b.drv'), ['out']]]),
  inputSrcs: [path('s', '1'), path('s', '2')],
  system: 'x86_64-linux',
  builder: '/bin/sh',
  args: ['-c', 'a "quoted"\\\n\ttext\r', ''],
  env: new Map([['out', out], ['ü', '\u{1F600}']]),
}
const text = writeDerivation(plain)
const check = (derivation: Derivation): Derivation => {
  const written = Buffer.from(writeDerivation(derivation))
  return checkedDerivation(directory, derivationPath(directory, 'x', derivation), written)
}
const withOutput = (name: string, more: object = {}): Derivation =>
  ({ ...plain, outputs: new Map([[name, { path: out, method: '', hash: '', ...more }]]), env: new Map([[name, out]]) })

test('a .drv file that is read is written as it was', () => {
  expect(writeDerivation(readDerivation(text))).toBe(text)
  expect(readDerivation(text)).toEqual(plain)
  expect(check(plain)).toEqual(plain)
})

test('whatever its strings are, one that is written is read as the same, and has one text', () => {
  // Without lone surrogates, which no UTF-8 is of, and NUL.
  const string = fc.string({ unit: 'binary' }).map((any) => any.toWellFormed().replaceAll('\0', ''))
  const map = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Map<string, Value>> => fc.array(fc.tuple(string, value)).map((all) => new Map(all))
  const set = fc.uniqueArray(string)
  const any = fc.record({
    outputs: map(fc.record({ path: string, method: string, hash: string })), inputDrvs: map(set), inputSrcs: set, system: string, builder: string, args: fc.array(string), env: map(string),
  })
  fc.assert(fc.property(any, (derivation) => {
    const written = writeDerivation(derivation)
    const read = readDerivation(Buffer.from(written).toString())
    expect(writeDerivation(read)).toBe(written)
    expect(read.env).toEqual(derivation.env)
    expect(read.outputs).toEqual(derivation.outputs)
    expect(new Set(read.inputSrcs)).toEqual(new Set(derivation.inputSrcs))
  }))
})

test('one with a hundred thousand of sources is read', () => {
  const inputSrcs = Array.from({ length: 100_000 }, (_, index) => path(`s${index}`)).sort()
  expect(check({ ...plain, inputSrcs }).inputSrcs).toEqual(inputSrcs)
})

test('names are in the order of their bytes, not of UTF-16', () => {
  const env = new Map([['out', out], ['\uff5e', ''], ['\u{1F600}', '']])
  expect(check({ ...plain, env }).env).toEqual(env)
  expect(writeDerivation({ ...plain, env })).toMatch(/out.*\uff5e.*\u{1F600}/u)
})

test('is the text that Nix and Guix write', () => {
  expect(text).toBe(
    `Derive([("out","${out}","","")],[("${path('a.drv')}",["doc","out"]),("${path('b.drv')}",["out"])],["${path('s', '1')}","${path('s', '2')}"],` +
      String.raw`"x86_64-linux","/bin/sh",["-c","a \"quoted\"\\\n\ttext\r",""],[("out","${out}"),("ü","😀")])`,
  )
})

describe('a malformed .drv file is refused:', () => {
  test('cut off anywhere', () => {
    for (let length = 0; length < text.length; length += 1) expect(() => readDerivation(text.slice(0, length)), String(length)).toThrow(/at character \d+$/)
  })

  test('with anything changed in it, it is not the text of its path', () => {
    const bytes = Buffer.from(text)
    const at = derivationPath(directory, 'x', plain)
    for (const [index, byte] of bytes.entries()) {
      const changed = Buffer.from(bytes)
      changed[index] = byte ^ 1
      expect(() => checkedDerivation(directory, at, changed), String(index)).toThrow(at)
    }
  })

  test.for([
    ['more after its end', `${text} `, 'there is more after its end'],
    ['white space', text.replace('[("', '[ ("'), '( is missing'],
    ['a list without an end', text.replace('"out"]', '"out",]'), '" is missing'],
    ['an escape that is none', text.replace(String.raw`\n`, String.raw`\0`), 'no such escape'],
    ['a NUL', text.replace('/bin/sh', '/bin/sh\0'), 'a string holds a NUL character'],
    ['an output twice', text.replace('[("out"', `[("out","${out}","",""),("out"`), 'outputs: "out" is there twice'],
    ['an input twice', text.replace('["doc","out"]', '["out","out"]'), 'outputs of an input: "out" is there twice'],
    ['sources out of order', text.replace(path('s', '1'), path('s', '3')), 'input sources: '],
    ['a variable twice', text.replace('[("out","/gnu/store/00000000000000000000000000000000-x")', `[("out",""),("out","")`), 'environment: "out" is there twice'],
    ['dynamic derivations', `DrvWithVersion${text.slice(6)}`, 'Derive( is missing'],
    ['nothing', '', 'it ends where Derive( should be'],
  ])('%s', ([, malformed = '', problem = '']) => expect(() => readDerivation(malformed)).toThrow(problem))

  test('a million of brackets', () => {
    expect(() => readDerivation(`Derive([${'('.repeat(1_000_000)}`)).toThrow('" is missing')
    expect(() => readDerivation(`Derive([${'[('.repeat(1_000_000)}`)).toThrow('( is missing')
  })

  test('larger than any', () => {
    expect(() => checkedDerivation(directory, path('x.drv'), Buffer.alloc(16 * 1024 * 1024 + 1))).toThrow('more than 16777216 bytes')
  })

  test('escapes that need not be', () => {
    const other = Buffer.from(text.replace('\\r', '\r'))
    expect(() => checkedDerivation(directory, derivationPath(directory, 'x', plain), other)).toThrow('it is not written as Nix and Guix write it')
  })

  test('no UTF-8', () => {
    expect(() => checkedDerivation(directory, derivationPath(directory, 'x', plain), Buffer.from(text, 'latin1'))).toThrow('it is not UTF-8')
  })
})

describe('what a derivation says is refused:', () => {
  const hash = 'ab'.repeat(32)
  test.for<[string, Derivation, string]>([
    ['no output', { ...plain, outputs: new Map() }, 'it has no output'],
    ['an output called ..', withOutput('..'), '".." cannot be the name of an output'],
    ['an output outside of the store', withOutput('out', { path: '/etc/passwd' }), '"/etc/passwd" is no path of the store'],
    ['an output above the store', withOutput('out', { path: `${directory}/../x` }), 'is no path of the store'],
    ['an output by content', withOutput('out', { method: 'r:sha256' }), 'is no r:sha256 in hexadecimal'],
    ['an output of an unknown hash', withOutput('out', { method: 'r:blake3', hash }), 'is fixed by "r:blake3"'],
    ['a hash without its method', withOutput('out', { hash }), 'is fixed by ""'],
    ['a fixed output of another name', withOutput('doc', { method: 'sha256', hash }), 'and called out'],
    ['a variable that is not its output', { ...plain, env: new Map([['out', '/elsewhere']]) }, 'its variable out is not the path of the output out'],
    ['an input that is no derivation', { ...plain, inputDrvs: new Map([[path('a'), ['out']]]) }, 'is not the path of a derivation'],
    ['an input of which nothing is wanted', { ...plain, inputDrvs: new Map([[path('a.drv'), []]]) }, 'is wanted'],
    ['a source outside of the store', { ...plain, inputSrcs: ['/etc/passwd'] }, 'is no path of the store'],
    ['a builder without a path', { ...plain, builder: 'sh' }, 'its builder "sh" is not an absolute path'],
    ['a builder of Nix itself', { ...plain, builder: 'builtin:fetchurl' }, 'its builder "builtin:fetchurl" is not an absolute path'],
    ['a variable with an = in it', { ...plain, env: new Map([...plain.env, ['a=b', '']]) }, '"a=b" cannot be the name of a variable'],
    ['a hash of another length', withOutput('out', { method: 'sha512', hash }), 'is no sha512 in hexadecimal'],
    ['attributes that are no JSON', { ...plain, env: new Map([...plain.env, ['__json', '{']]) }, 'its __json cannot be read'],
    ['a graph without a path', { ...plain, env: new Map([...plain.env, ['exportReferencesGraph', 'a']]) }, 'its exportReferencesGraph is no list of names and paths'],
    ['a graph in another folder', { ...plain, env: new Map([...plain.env, ['exportReferencesGraph', `../a ${out}`]]) }, '"../a" cannot be the name of a file'],
  ])('%s', ([, derivation, problem]) => expect(() => check(derivation)).toThrow(problem))
})
