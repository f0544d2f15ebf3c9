import { describe, expect, it } from 'vitest'

import { SpecError } from '../../src/errors.ts'
import { fieldNames } from '../../src/spec/fields.ts'
import { checkedSpec, type Spec } from '../../src/spec/spec.ts'
import { refusalOf } from './refusal.ts'

// What a caller without types, or JSON, can hand over.
const check = (spec: unknown): Spec => checkedSpec(spec as Spec)

const user = { uid: 1000, gid: 1000 }

const misshapen: readonly [string, unknown, entry: string][] = [
  ['a field nobody knows', { input: {} }, 'input'],
  ['a field of every object', JSON.parse('{"__proto__": {}}'), '__proto__'],
  ['a field of Object.prototype', { constructor: 1 }, 'constructor'],
  ['a toolchain of another word', { toolchain: 'guest' }, 'toolchain'],
  ['a toolchain with an empty path', { toolchain: ['/usr', ''] }, 'toolchain[1]'],
  ['a toolchain with a number', { toolchain: [1] }, 'toolchain[0]'],
  ['a toolchain path with NUL', { toolchain: ['/usr\0'] }, 'toolchain[0]'],
  ['inputs as a list', { inputs: ['/src'] }, 'inputs'],
  ['an input without a source', { inputs: { src: '' } }, 'inputs.src'],
  ['an input whose source is no text', { inputs: { src: 1 } }, 'inputs.src'],
  ['an input whose source holds NUL', { inputs: { src: '/a\0b' } }, 'inputs.src'],
  ['an empty output', { output: '' }, 'output'],
  ['an output that is no text', { output: {} }, 'output'],
  ['outputs as text', { outputs: '/out' }, 'outputs'],
  ['an output among more whose source is no text', { outputs: { logs: null } }, 'outputs.logs'],
  ['a /tmp smaller than a page', { tmpSize: 4095 }, 'tmpSize'],
  ['a /tmp of half a byte', { tmpSize: 5000.5 }, 'tmpSize'],
  ['a /tmp without bound', { tmpSize: Infinity }, 'tmpSize'],
  ['a variable without a name', { env: { '': 'x' } }, 'env.'],
  ['a variable name with =', { env: { 'A=B': 'x' } }, 'env.A=B'],
  ['a variable name with NUL', { env: { 'A\0': 'x' } }, 'env.A\0'],
  ['a variable that is no text', { env: { A: 1 } }, 'env.A'],
  ['a variable that is undefined', { env: { A: undefined } }, 'env.A'],
  ['a variable with NUL', { env: { A: 'x\0y' } }, 'env.A'],
  ['an epoch before 1970', { sourceDateEpoch: -1 }, 'sourceDateEpoch'],
  ['an epoch in milliseconds and fractions', { sourceDateEpoch: 1.5 }, 'sourceDateEpoch'],
  ['an empty working directory', { cwd: '' }, 'cwd'],
  ['a network of another word', { network: 'bridge' }, 'network'],
  ['a user by name', { user: 'nobody' }, 'user'],
  ['a user without uid', { user: { gid: 1 } }, 'user.uid'],
  ['a user without gid', { user: { uid: 1 } }, 'user.gid'],
  ['a user with a name', { user: { ...user, name: 'builder' } }, 'user.name'],
  ['the uid that means none', { user: { ...user, uid: 0xffff_ffff } }, 'user.uid'],
  ['the gid that means none', { user: { ...user, gid: 0xffff_ffff } }, 'user.gid'],
  ['a negative gid', { user: { ...user, gid: -1 } }, 'user.gid'],
  ['groups as text', { user: { ...user, groups: '5' } }, 'user.groups'],
  ['a group by name', { user: { ...user, groups: [5, 'wheel'] } }, 'user.groups[1]'],
  ['a group twice', { user: { ...user, groups: [5, 6, 5] } }, 'user.groups'],
  ['sixteen groups', { user: { ...user, groups: Array.from({ length: 16 }, (_, index) => index) } }, 'user.groups'],
  ['a hostname that starts with a hyphen', { hostname: '-a' }, 'hostname'],
  ['a hostname that ends in a dot', { hostname: 'a.' }, 'hostname'],
  ['a hostname of 64 letters', { hostname: 'a'.repeat(64) }, 'hostname'],
  ['a hostname with a line break', { hostname: 'a\n' }, 'hostname'],
  ['an empty state directory', { stateDirectory: '' }, 'stateDirectory'],
  ['a state directory that depends on another', { stateDirectory: './state' }, 'stateDirectory'],
  ['inputs in a Map, whose entries are no fields', { inputs: new Map([['src', '/src']]) }, 'inputs'],
  ['groups that are null', { user: { ...user, groups: null } }, 'user.groups'],
]

describe('a misshapen spec is refused, and the entry to change is named', () => {
  it.each(misshapen)('%s', (_what, spec, entry) => {
    const refusal = refusalOf(() => check(spec))
    expect(refusal).toBeInstanceOf(SpecError)
    expect(refusal).toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_SPEC', entry, step: 'plan' })
    expect(refusal.message.startsWith(`${entry}: `)).toBe(true)
  })

  it.each([null, undefined, 'spec', 1, []])('a spec that is %j', (spec) => {
    expect(refusalOf(() => check(spec))).toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_SPEC', entry: 'spec' })
  })
})

describe('a session name that jail_set or rctl would read as something else is refused', () => {
  it.each(['', '1', '0042', 'a.b', 'a:b', 'a=b', 'a/b', 'a b', 'a\n', 'ä', 'a'.repeat(33), 7])('%j', (name) => {
    expect(refusalOf(() => check({ name }))).toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_NAME', entry: 'name' })
  })
})

describe('a name of an input or output that is no single path component is refused', () => {
  it.each(['', '.', '..', 'a/b', '../a', 'a/', 'a\0b', '/a\0b'])('%j', (name) => {
    expect(refusalOf(() => check({ inputs: { [name]: '/src' } }))).toMatchObject({
      code: 'ERR_BUILDJAIL_INVALID_NAME',
      entry: `inputs.${name}`,
    })
    expect(refusalOf(() => check({ outputs: { [name]: '/out' } }))).toMatchObject({ entry: `outputs.${name}` })
  })
})

describe('root is asked for by name', () => {
  it('uid 0 by number is refused, whatever comes with it', () => {
    for (const root of [{ uid: 0, gid: 0 }, { uid: 0, gid: 1000, groups: [5] }, { uid: -0, gid: 1 }]) {
      expect(refusalOf(() => check({ user: root }))).toMatchObject({ code: 'ERR_BUILDJAIL_ROOT_NOT_NAMED', entry: 'user.uid' })
    }
  })

  it("'root' is taken", () => {
    expect(() => check({ user: 'root' })).not.toThrow()
  })
})

it('what the documentation allows is taken, up to its bounds', () => {
  const full: Spec = {
    name: 'a'.repeat(32),
    toolchain: ['/usr/local', '/etc/resolv.conf'],
    inputs: { src: '/src', '...': 'relative/source', '/opt/data': '/data' },
    output: '/out',
    outputs: { logs: '/logs', '/cache': '/cache' },
    tmpSize: 4096,
    env: { A: '', LONG_NAME: 'a=b\nc' },
    sourceDateEpoch: 0,
    cwd: '/inputs/src',
    network: 'host',
    user: { uid: 0xffff_fffe, gid: 0, groups: Array.from({ length: 15 }, (_, index) => index) },
    hostname: 'a'.repeat(63),
    stateDirectory: '/var/run/elsewhere',
  }
  expect(checkedSpec(full)).toEqual(full)
  expect(checkedSpec({})).toEqual({})
})

it('a field that is there but undefined counts as left out', () => {
  const undefinedFields = Object.fromEntries(fieldNames.map((name) => [name, undefined]))
  expect(Object.keys(check(undefinedFields))).toEqual([])
})
