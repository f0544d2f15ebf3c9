import { describe, expect, test } from 'vitest'

import type { Derivation } from '../../src/aterm.ts'
import { attributesOf } from '../../src/attributes.ts'
import { base32, fromBase32 } from '../../src/base32.ts'
import { closuresIn, handedTo, withoutPlaceholders } from '../../src/environment.ts'
import { checkReferences } from '../../src/outputs.ts'
import type { Registered } from '../../src/registry.ts'
import { readStructured, shellScript, writeJson } from '../../src/structured.ts'

const store = '/nix/store'
const [out, doc, a, b] = ['x', 'x-doc', 'a', 'b'].map((name, index) => `${store}/${String(index).repeat(32)}-${name}`) as [string, string, string, string]
const output = (path: string) => ({ path, method: '', hash: '' })
const derivation = (env: Readonly<Record<string, string>>): Derivation =>
  ({ outputs: new Map([['out', output(out)], ['doc', output(doc)]]), inputDrvs: new Map(), inputSrcs: [], system: 's', builder: '/b', args: [], env: new Map(Object.entries({ out, doc, ...env })) })
const structured = (json: object): Derivation => derivation({ __json: JSON.stringify(json) })

describe('structured attributes', () => {
  test('are written as Nix writes them: sorted, and with numbers as they were', () => {
    const text = String.raw`{"z":9007199254740993,"a":1.0,"b":[1e+30,{"d":null,"c":"1 \"2\" 3 é\n"}],"10":true,"9":-0.5}`
    expect(writeJson(readStructured(text))).toBe(String.raw`{"10":true,"9":-0.5,"a":1.0,"b":[1e+30,{"c":"1 \"2\" 3 é\n","d":null}],"z":9007199254740993}`)
  })

  test.for([['{', 'its __json cannot be read'], ['[1]', 'its __json is no object'], ['1', 'its __json is no object'], ['{"a":01}', 'its __json cannot be read'], [String.raw`{"a":"\u0000"}`, 'NUL']] as const)('%s is refused', ([text, problem]) => {
    expect(() => readStructured(text)).toThrow(problem)
  })

  test('are not refused for a backslash before u0000, which is no NUL', () => {
    const json = { text: String.raw`\u0000 \0 \\u0000 "1"`, list: [1, '2'] }
    expect(JSON.parse(writeJson(readStructured(JSON.stringify(json))))).toEqual(json)
    expect(() => readStructured(String.raw`{"a":"\\\u0000"}`)).toThrow('NUL')
  })

  test('may be as large as a derivation', () => {
    for (const [piece, count] of [['x', 8 << 20], ['1', 8 << 20], ['\n', 1 << 20], ['"', 1 << 20]] as const) {
      const json = JSON.stringify({ text: piece.repeat(count) })
      expect(writeJson(readStructured(json)) === json).toBe(true)
    }
  })

  test('hold for an output that is called as what every object has', () => {
    const checks = attributesOf(structured({ outputChecks: {}, unsafeDiscardReferences: {} })).checksOf
    for (const name of ['constructor', 'toString', '__proto__']) expect(checks(name)).toMatchObject({ allowedReferences: undefined, discardReferences: false })
    const own = structured(JSON.parse('{"outputChecks": {"constructor": {"maxSize": 1}}}') as object)
    expect(attributesOf(own).checksOf('constructor').maxSize).toBe(1)
  })

  test('are what bash can have of them', () => {
    const json = readStructured(`{"s":"it's","n":1,"f":1.0,"half":1.5,"huge":1e+300,"large":9007199254740993,"t":true,"no":false,"null":null,"l":["a b",2],"o":{"k k":"v"},"deep":[[1]],"mixed":{"a":{}},"not-a-name":1}`)
    expect(shellScript(json)).toBe(
      `declare f=1\ndeclare huge=-2147483648\ndeclare -a l=('a b' 2 )\ndeclare large=1\ndeclare n=1\ndeclare no=\ndeclare null=''\ndeclare -A o=(['k k']='v' )\ndeclare s='it'\\''s'\ndeclare t=1\n`)
  })

  test('are files of the builder, which finds no variables of its derivation', () => {
    const own = structured({ name: 'x', outputs: ['out', 'doc'] })
    const { env, files } = handedTo(own, attributesOf(own), () => [], { storeDirectory: store, buildDirectory: '/build', cores: 1 }, {})
    expect(env).toMatchObject({ NIX_ATTRS_JSON_FILE: '/build/.attrs.json', NIX_ATTRS_SH_FILE: '/build/.attrs.sh' })
    expect(env).not.toHaveProperty('out')
    expect(JSON.parse(files['.attrs.json'] ?? '')).toEqual({ name: 'x', outputs: { out, doc } })
    expect(files['.attrs.sh']).toBe(`declare name='x'\ndeclare -A outputs=(['doc']='${doc}' ['out']='${out}' )\n`)
  })
})

test('a variable that is passed as a file is one, and its path is a variable', () => {
  const own = derivation({ big: 'a\nb', passAsFile: 'big missing' })
  const { env, files } = handedTo(own, attributesOf(own), () => [], { storeDirectory: store, buildDirectory: '/build', cores: 1 }, {})
  // As Nix 2.26.3 calls it.
  const name = '.attr-1lak0mvllw8rv9i9ygkglvhqsq19qi9ynl4bi7gbf69ab5nzw89a'
  expect(files).toEqual({ [name]: 'a\nb' })
  expect(env['bigPath']).toBe(`/build/${name}`)
  expect(env).not.toHaveProperty('big')
})

describe('a graph of references', () => {
  const registered = new Map<string, Registered>([[a, { narHash: '00', narSize: 1, references: [b] }], [b, { narHash: '11', narSize: 2, references: [], ca: 'text:sha256:x' }], [`${a}.drv`, { narHash: '', narSize: 0, references: [] }]])
  const closure = (paths: Iterable<string>): Set<string> => {
    const all = new Set(paths)
    for (const one of all) for (const reference of registered.get(one)?.references ?? []) all.add(reference)
    return all
  }
  const inStore = { directory: store, closure, query: (path: string) => registered.get(path), outputsOf: (path: string) => (path === `${a}.drv` ? [a] : []) }
  const filesOf = (own: Derivation, inputs: readonly string[]): Readonly<Record<string, string>> => {
    const attributes = attributesOf(own)
    return handedTo(own, attributes, closuresIn(inStore, attributes, new Set(inputs)), { storeDirectory: store, buildDirectory: '/build', cores: 1 }, {}).files
  }

  test('has the paths, no deriver, and what each refers to', () => {
    expect(filesOf(derivation({ exportReferencesGraph: `graph ${a}` }), [a, b])).toEqual({ graph: `${a}\n\n1\n${b}\n${b}\n\n0\n` })
  })

  test('of something in an entry is that of the entry', () => {
    expect(filesOf(derivation({ exportReferencesGraph: `graph ${b}/some/file` }), [b])).toEqual({ graph: `${b}\n\n0\n` })
    expect(() => filesOf(derivation({ exportReferencesGraph: 'graph /elsewhere/some/file' }), [b])).toThrow('its exportReferencesGraph has /elsewhere/some/file, which is not')
  })

  test('of a derivation has its outputs too', () => {
    const drv = `${a}.drv`
    expect(filesOf(derivation({ exportReferencesGraph: `graph ${drv}` }), [drv])['graph']?.split('\n').filter((line) => line.startsWith('/'))).toEqual([a, b, drv, b])
  })

  test('is in the JSON of structured attributes', () => {
    const { graph } = JSON.parse(filesOf(structured({ exportReferencesGraph: { graph: [a] } }), [a, b])['.attrs.json'] ?? '') as { readonly graph: unknown }
    expect(graph).toEqual([
      { closureSize: 3, narHash: 'sha256:00', narSize: 1, path: a, references: [b], valid: true },
      { ca: 'text:sha256:x', closureSize: 2, narHash: 'sha256:0i', narSize: 2, path: b, references: [], valid: true },
    ])
  })

  test('of what the builder does not see is refused', () => {
    expect(() => filesOf(derivation({ exportReferencesGraph: `graph ${a}` }), [b])).toThrow(`its exportReferencesGraph has ${a}, which is not in the closure of its inputs`)
  })
})

describe('what an output may refer to', () => {
  const registered = new Map<string, Registered>([[out, { narHash: '', narSize: 10, references: [a, out] }], [a, { narHash: '', narSize: 20, references: [b] }], [b, { narHash: '', narSize: 30, references: [] }]])
  const check = (own: Derivation): void => checkReferences('out', own.outputs, attributesOf(own).checksOf('out'), (path) => registered.get(path))
  const checks = (own: object): Derivation => structured({ outputChecks: { out: own } })

  test.for<[Derivation, RegExp]>([
    [derivation({ allowedReferences: a }), /must not refer to \S+-x \(allowedReferences\)$/],
    [derivation({ allowedReferences: 'out' }), /must not refer to \S+-a \(allowedReferences\)$/],
    [derivation({ allowedRequisites: a }), /must not refer to \S+-b \(allowedRequisites\)$/],
    [derivation({ disallowedReferences: `${b} ${a}` }), /must not refer to \S+-a \(disallowedReferences\)$/],
    [derivation({ disallowedRequisites: b }), /must not refer to \S+-b \(disallowedRequisites\)$/],
    [derivation({ allowedReferences: 'other' }), /has "other", which is neither a store path nor an output/],
    [derivation({ disallowedReferences: `${a}/file` }), /has "\S+\/file", which is neither a store path nor an output/],
    [checks({ allowedRequisites: [a, b] }), /must not refer to \S+-x \(allowedRequisites\)$/],
    [checks({ maxSize: 9 }), /has 10 bytes, and must not have more than 9 \(maxSize\)$/],
    [checks({ maxClosureSize: 59 }), /has 60 bytes in its closure, and must not have more than 59 \(maxClosureSize\)$/],
  ])('%# is held', ([own, problem]) => expect(() => check(own)).toThrow(problem))

  test('and what is allowed passes', () => {
    for (const own of [
      derivation({ allowedReferences: `out ${a}`, allowedRequisites: `${a} ${b}`, disallowedReferences: b, disallowedRequisites: doc }),
      checks({ allowedReferences: ['out', a], disallowedRequisites: ['doc'], maxSize: 10, maxClosureSize: 60 }),
      structured({ allowedReferences: [] }),
    ]) check(own)
  })

  test.for([{ outputChecks: { out: { allowedReferences: 'a' } } }, { outputChecks: { out: { maxSize: '1' } } }, { outputChecks: [] }, { unsafeDiscardReferences: 1 }])('%j is refused', (json) => {
    expect(() => attributesOf(structured(json)).checksOf('out')).toThrow(/^its (?:outputChecks|unsafeDiscardReferences)/)
  })
})

test('placeholders of outputs are replaced by their paths, and those of others are not', () => {
  // What builtins.placeholder of Nix 2.26.3 gives for "out", "doc" and "other".
  const [ofOut, ofDoc, ofOther] = ['/1rz4g4znpzjwh1xymhjpm42vipw92pr73vdgl6xs1hycac8kf2n9', '/071n0a2b0qpwijb2ws5nyvq1b3xyb0hgxbsh1cnzxj41mi8k1nyy', '/1b2q57bx758xds8pbyaczlixzgk5lyjfag357rgmq6sz2a151wxx']
  const own = { ...derivation({ a: `${ofOut}/bin:${ofOut} ${ofDoc} ${ofOther}`, __json: JSON.stringify({ [ofDoc]: [ofOut] }) }), args: ['-c', ofDoc] }
  const { env, args } = withoutPlaceholders(own)
  expect([env.get('a'), env.get('__json'), args]).toEqual([`${out}/bin:${out} ${doc} ${ofOther}`, JSON.stringify({ [doc]: [out] }), ['-c', doc]])
})

test('base-32 is read as it is written', () => {
  for (const bytes of [Buffer.alloc(0), Buffer.from('abc'), Buffer.alloc(20, 0xf3), Buffer.from(Array.from({ length: 64 }, (_, index) => index * 3))]) {
    expect(fromBase32(base32(bytes))).toEqual(bytes)
  }
  expect(fromBase32('e')).toBeUndefined()
})
