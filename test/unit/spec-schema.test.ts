import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { isBuildjailError } from '../../src/errors.ts'
import { fieldNames } from '../../src/spec/fields.ts'
import { planOf } from '../../src/spec/plan.ts'
import { specSchema } from '../../src/spec/schema.ts'
import { checkedSpec, type Limits, type Spec } from '../../src/spec/spec.ts'
import { isValid } from './schema-validator.ts'
import { cases } from './fuzz-cases.ts'

const text = fc.string({ minLength: 1, unit: 'grapheme' }).filter((one) => !one.includes('\0'))
const key = fc.oneof(
  text.filter((one) => !one.includes('/') && one !== '.' && one !== '..'),
  text.map((one) => `/${one}`),
)
const id = fc.integer({ min: 1, max: 0xffff_fffe })
const groups = fc.uniqueArray(fc.nat(), { maxLength: 15 })
const leased = fc.record({ first: id, count: id })
const allowed = fc.constantFrom('npm', 'git', 'a.example:443', '*.B.example:1', 'ö.example:65535', '10.0.0.1:5432', '[2001:db8::1]:80', 'host:5432')
const number = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })

const source = fc.oneof(text, fc.record({ path: text, optional: fc.boolean() }, { requiredKeys: ['path'] }))
const input = fc.oneof(source, fc.record({ path: text, optional: fc.boolean(), overlay: fc.boolean() }, { requiredKeys: ['path'] }))
const variable = text.filter((one) => !one.includes('='))
const variables = fc.dictionary(variable, fc.oneof(text, fc.constant('')))

/** A valid value of every field: the compiler asks for one of a new field. */
const valid: { readonly [Name in keyof Spec]-?: fc.Arbitrary<NonNullable<Spec[Name]>> } = {
  name: fc.stringMatching(/^[A-Za-z0-9_-]{1,32}$/).filter((one) => !/^[0-9]+$/.test(one)),
  toolchain: fc.oneof(fc.constantFrom('host' as const, 'none' as const), fc.array(source)),
  inputs: fc.dictionary(key, input),
  output: text,
  outputs: fc.dictionary(key, text),
  stores: fc.dictionary(text.map((one) => `/${one}`), text),
  devices: fc.array(source, { maxLength: 32 }),
  tmpfs: fc.dictionary(text.map((one) => `/${one}`), fc.integer({ min: 4096, max: Number.MAX_SAFE_INTEGER }), { maxKeys: 16 }),
  limits: fc.record(
    {
      memory: fc.integer({ min: 4096, max: Number.MAX_SAFE_INTEGER }),
      swap: fc.nat(),
      processes: fc.integer({ min: 1, max: 2 ** 22 }),
      cpus: fc.double({ min: 0.01, max: 65_536, noNaN: true }),
      cpuTime: fc.integer({ min: 1 }),
      openFiles: fc.integer({ min: 8, max: 2 ** 30 }),
      fileSize: fc.integer({ min: 1 }),
      stackSize: fc.integer({ min: 65_536, max: 2 ** 32 }),
      tmpSize: fc.integer({ min: 4096, max: Number.MAX_SAFE_INTEGER }),
      tmpFiles: fc.integer({ min: 1 }),
      outputSize: fc.integer({ min: 4096 }),
      outputFiles: fc.integer({ min: 1, max: 2 ** 32 }),
      stdio: fc.integer({ min: 1 }),
      wallTime: fc.integer({ min: 1 }),
      policy: fc.constantFrom('strict' as const, 'best-effort' as const),
    } satisfies Record<keyof Limits, unknown>,
    { requiredKeys: [] },
  ),
  sourceDateEpoch: number,
  env: fc.oneof(variables, fc.record({ pass: fc.array(variable.filter((one) => !one.includes('*'))), set: variables }, { requiredKeys: [] })),
  path: fc.array(text.filter((one) => !one.includes(':'))),
  cwd: text,
  keep: text,
  network: fc.oneof(
    fc.constantFrom('none' as const, 'loopback' as const, 'host' as const),
    fc.record({ allow: fc.array(allowed, { maxLength: 8 }), tlsNames: fc.boolean() }, { requiredKeys: ['allow'] }),
    fc.record({ vnet: fc.constantFrom('epair0b', 'em0.7', 'x'.repeat(15)) }),
    fc.record({ namespace: fc.constantFrom('/run/netns/x', '/proc/1/ns/net') }),
  ),
  ownership: fc.constantFrom('folder' as const, 'build' as const, 'unchanged' as const),
  user: fc.oneof(
    fc.constant('root' as const),
    fc.record({ root: fc.constant(true as const), leased }, { requiredKeys: ['root'] }),
    fc.record({ uid: id, gid: id, groups, leased }, { requiredKeys: ['uid', 'gid'] }),
    fc.record({ gid: id, groups, leased }, { requiredKeys: ['leased'] }),
  ),
  allow: fc.subarray(['user-namespaces', 'io_uring', 'keyring', 'perf', 'bpf', 'userfaultfd', 'sockets', 'set-id', 'attributes', 'aio'] as const),
  hostname: fc.stringMatching(/^[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?$/),
  etc: fc.oneof(fc.constantFrom('minimal' as const, 'none' as const), fc.dictionary(fc.stringMatching(/^[A-Za-z0-9_-]{1,9}$/).map((one) => `/etc/${one}`), fc.oneof(text, fc.constant('')))),
  stateDirectory: text.map((one) => `/${one}`),
  wait: fc.nat(),
  trace: fc.boolean(),
}
const validSpec = fc.record(valid, { requiredKeys: [] })

/** Values that are nearly right, besides those that are not. */
const nearly = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom('', '.', '..', '/', 'a/b', 'a\0', '-', '0042', 'host', 'root', 0, -0, -1, 0.5, 4095, 4096, 0xffff_ffff, 2 ** 53, null, true),
  fc.oneof(...Object.values(valid)),
  fc.dictionary(fc.oneof(key, fc.constantFrom('', '.', '..', 'a/b', 'a=b', 'a\0', '/a\0')), fc.oneof(text, fc.constantFrom('', 'a\0', 1, null))),
  fc.record({ allow: fc.array(fc.oneof(allowed, fc.constantFrom('a.example', 'a.example:0', '*:1', '', 1)), { maxLength: 4 }), tlsNames: fc.constantFrom(true, false, 1, null), vnet: fc.constant('em0') }, { requiredKeys: [] }),
  fc.dictionary(fc.constantFrom('pass', 'set', 'path', 'optional', 'overlay', 'A'), fc.oneof(text, fc.array(variable), variables, fc.constantFrom('', 'a\0', 1, null, true, ['=']))),
  fc.dictionary(key, fc.record({ path: fc.oneof(text, fc.constantFrom('', 1, null)), optional: fc.oneof(fc.boolean(), fc.constantFrom(1, null)), overlay: fc.oneof(fc.boolean(), fc.constantFrom(1, null)) }, { requiredKeys: [] })),
  fc.array(fc.oneof(text, fc.nat(3), fc.constantFrom('', 'a\0')), { maxLength: 20 }),
  fc.record({ uid: fc.oneof(id, fc.constantFrom(0, '1', -1, 0xffff_ffff)), gid: id, groups: fc.array(fc.nat(20), { maxLength: 17 }), name: text }, { requiredKeys: ['gid'] }),
)
const change = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom(...fieldNames).chain((name) => fc.tuple(fc.constant(name), fc.oneof(valid[name], nearly))) },
  { weight: 1, arbitrary: fc.tuple(text, nearly) },
)
const changed = fc
  .tuple(validSpec, change)
  // Through JSON, as a spec comes that was written against a schema; this also drops values that JSON does not have.
  .map(([spec, [field, value]]) => JSON.parse(JSON.stringify({ ...spec, [field]: value })) as object)

function isTaken(spec: object): boolean {
  try {
    checkedSpec(spec)
    return true
  } catch (error) {
    if (isBuildjailError(error)) return false
    throw error
  }
}


describe('the JSON Schema of a spec', () => {
  it('has every field, each with a description, and no other', () => {
    const properties = specSchema['properties'] as Readonly<Record<string, { readonly description?: string }>>
    expect(Object.keys(properties)).toEqual(fieldNames)
    expect(Object.keys(valid).toSorted()).toEqual(fieldNames.toSorted())
    for (const name of fieldNames) expect(properties[name]?.description, name).toMatch(/\.$/)
  })

  it('can be written down as JSON without a loss', () => {
    expect(JSON.parse(JSON.stringify(specSchema))).toEqual(specSchema)
  })

  it('takes times as texts, which the checks make milliseconds of', () => {
    const spec: Spec = { wait: '500ms', limits: { wallTime: '10m', cpuTime: '90s' } }
    expect(isValid(specSchema, spec)).toBe(true)
    expect(checkedSpec(spec)).toEqual({ wait: 500, limits: { wallTime: 600_000, cpuTime: 90_000 } })
    expect(isValid(specSchema, { wait: '500' })).toBe(false)
  })

  it('takes every valid spec, as the checks do, and these keep what it says', () => {
    fc.assert(
      fc.property(validSpec, (spec) => {
        expect(isValid(specSchema, spec)).toBe(true)
        expect(checkedSpec(spec)).toEqual(spec)
      }),
      cases,
    )
  })

  it('takes and refuses what the checks take and refuse', () => {
    let taken = 0
    let refused = 0
    fc.assert(
      fc.property(changed, (spec) => {
        const is = isTaken(spec)
        if (is) taken += 1
        else refused += 1
        expect(isValid(specSchema, spec)).toBe(is)
      }),
      cases,
    )
    expect(Math.min(taken, refused)).toBeGreaterThan(cases.numRuns / 20)
  })

  it('tells the defaults that a plan has', () => {
    const properties = specSchema['properties'] as Readonly<Record<string, { readonly default?: unknown }>>
    const defaults = Object.fromEntries(fieldNames.flatMap((name) => (properties[name]?.default === undefined ? [] : [[name, properties[name].default]])))
    const rest = { toolchain: 'none' } as const
    expect(Object.keys(defaults).toSorted()).toEqual(['allow', 'cwd', 'devices', 'etc', 'hostname', 'network', 'ownership', 'path', 'toolchain', 'trace', 'wait'])
    expect(planOf({ ...defaults, ...rest }, { platform: 'linux' })).toEqual(planOf(rest, { platform: 'linux' }))
  })
})
