import { describe, expect, it } from 'vitest'

import { SpecError } from '../../src/errors.ts'
import { fieldNames } from '../../src/spec/fields.ts'
import { inOneLine } from '../../src/spec/messages.ts'
import { checkedSpec, type Limits, type Spec } from '../../src/spec/spec.ts'
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
  ['an input that is a URL', { inputs: { src: new URL('file:///src') } }, 'inputs.src'],
  ['an input without a path', { inputs: { src: { optional: true } } }, 'inputs.src'],
  ['an input whose source holds NUL', { inputs: { src: '/a\0b' } }, 'inputs.src'],
  ['an empty output', { output: '' }, 'output'],
  ['an output that is no text', { output: {} }, 'output'],
  ['outputs as text', { outputs: '/out' }, 'outputs'],
  ['an output among more whose source is no text', { outputs: { logs: null } }, 'outputs.logs'],
  ['the size of /tmp outside of the limits', { tmpSize: 4096 }, 'tmpSize'],
  ['a /tmp smaller than a page', { limits: { tmpSize: 4095 } }, 'limits.tmpSize'],
  ['a /tmp of half a byte', { limits: { tmpSize: 5000.5 } }, 'limits.tmpSize'],
  ['a /tmp without bound', { limits: { tmpSize: Infinity } }, 'limits.tmpSize'],
  ['limits as a list', { limits: [] }, 'limits'],
  ['a limit that is none', { limits: { ram: 1 } }, 'limits.ram'],
  ['a limit of every object', { limits: { constructor: 1 } }, 'limits.constructor'],
  ['memory without its unit', { limits: { memory: '4096' } }, 'limits.memory'],
  ['memory of less than a page', { limits: { memory: '4095B' } }, 'limits.memory'],
  ['memory as an object', { limits: { memory: {} } }, 'limits.memory'],
  ['more memory than a number holds', { limits: { memory: '9999999T' } }, 'limits.memory'],
  ['negative swap', { limits: { swap: -1 } }, 'limits.swap'],
  ['no process', { limits: { processes: 0 } }, 'limits.processes'],
  ['processes as text', { limits: { processes: '64' } }, 'limits.processes'],
  ['no processor', { limits: { cpus: 0 } }, 'limits.cpus'],
  ['processors without bound', { limits: { cpus: Infinity } }, 'limits.cpus'],
  ['processors that are no number', { limits: { cpus: NaN } }, 'limits.cpus'],
  ['no processor time', { limits: { cpuTime: 0 } }, 'limits.cpuTime'],
  ['fewer open files than a program needs', { limits: { openFiles: 7 } }, 'limits.openFiles'],
  ['a stack without room', { limits: { stackSize: 4096 } }, 'limits.stackSize'],
  ['files without content', { limits: { fileSize: 0 } }, 'limits.fileSize'],
  ['a /tmp without files', { limits: { tmpFiles: 0 } }, 'limits.tmpFiles'],
  ['no byte of stdout', { limits: { stdio: 0 } }, 'limits.stdio'],
  ['more time than a timer counts', { limits: { wallTime: 2 ** 31 } }, 'limits.wallTime'],
  ['a policy of another word', { limits: { policy: 'lenient' } }, 'limits.policy'],
  ['variables by a pattern', { env: { pass: ['npm_*'] } }, 'env.pass[0]'],
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
  ['a network that is a list', { network: ['loopback'] }, 'network'],
  ['a network of nothing', { network: {} }, 'network'],
  ['a network of two', { network: { vnet: 'epair0b', namespace: '/x' } }, 'network'],
  ['an interface without a name', { network: { vnet: '' } }, 'network.vnet'],
  ['an interface with too long a name', { network: { vnet: 'x'.repeat(16) } }, 'network.vnet'],
  ['an interface that is a path', { network: { vnet: '../epair0b' } }, 'network.vnet'],
  ['a namespace by a relative path', { network: { namespace: 'netns' } }, 'network.namespace'],
  ['a namespace by a number', { network: { namespace: 3 } }, 'network.namespace'],
  ['allowed names that are no list', { network: { allow: 'a.example:443' } }, 'network.allow'],
  ['allowed names beside an interface', { network: { allow: [], vnet: 'epair0b' } }, 'network.vnet'],
  ['allowed names and a field that is none', { network: { allow: [], deny: [] } }, 'network.deny'],
  ['names of TLS that are no truth', { network: { allow: [], tlsNames: 1 } }, 'network.tlsNames'],
  ['names of TLS alone', { network: { tlsNames: true } }, 'network'],
  ['more allowed names than a session has', { network: { allow: Array.from({ length: 257 }, (_, index) => `a${index}.example:443`) } }, 'network.allow'],
  ['an allowed name that is a number', { network: { allow: ['a.example:443', 443] } }, 'network.allow[1]'],
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
  ['root that is not true', { user: { root: 1 } }, 'user.root'],
  ['root with a uid', { user: { root: true, uid: 5 } }, 'user.uid'],
  ['root with groups', { user: { root: true, groups: [5] } }, 'user.groups'],
  ['a uid with a lease and without a gid', { user: { uid: 5, leased: { first: 5, count: 5 } } }, 'user.gid'],
  ['to wait for nothing but half a millisecond', { wait: 0.5 }, 'wait'],
  ['sixteen groups', { user: { ...user, groups: Array.from({ length: 16 }, (_, index) => index) } }, 'user.groups'],
  ['an allowance that is none', { allow: ['everything'] }, 'allow[0]'],
  ['an allowance that is named twice', { allow: ['bpf', 'bpf'] }, 'allow[1]'],
  ['an allowance without its list', { allow: 'bpf' }, 'allow'],
  ['leased ids without a count', { user: { leased: { first: 1 } } }, 'user.leased.count'],
  ['leased ids from root’s on', { user: { leased: { first: 0, count: 65536 } } }, 'user.leased.first'],
  ['no leased ids', { user: { leased: { first: 1, count: 0 } } }, 'user.leased.count'],
  ['leased ids with a name', { user: { leased: { first: 1, count: 32, name: 'a' } } }, 'user.leased.name'],
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
    expect(refusal.message.startsWith(`${inOneLine(entry)}: `)).toBe(true)
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

it('a field that there is none of is refused with what may have been meant', () => {
  const told = (field: string): string => refusalOf(() => check({ [field]: {} })).message
  expect(told('input')).toBe('input: is not a field of a spec; did you mean inputs?')
  expect(told('imputs')).toBe('imputs: is not a field of a spec; did you mean inputs?')
  expect(told('sourcedateepoch')).toBe('sourcedateepoch: is not a field of a spec; did you mean sourceDateEpoch?')
  expect(told('frobnicate')).toBe('frobnicate: is not a field of a spec')
  expect(told('timeout')).toBe('timeout: is an option of run, not of a spec')
})

it('a user by the name of the host is refused in words that say what a user is', () => {
  expect(refusalOf(() => check({ user: 'alice' })).message).toBe(
    "user: must be 'root' or { uid, gid, groups } in numbers; a session does not know the users of the host by name, such as 'alice'",
  )
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
    limits: {
      memory: 4096,
      swap: 0,
      processes: 2 ** 22,
      cpus: 0.01,
      cpuTime: 1,
      openFiles: 8,
      fileSize: 1,
      stackSize: 65_536,
      tmpSize: 4096,
      tmpFiles: 1,
      outputSize: 4096,
      outputFiles: 1,
      stdio: Number.MAX_SAFE_INTEGER,
      wallTime: 2 ** 31 - 1,
      policy: 'best-effort',
    } satisfies Required<Limits>,
    env: { A: '', LONG_NAME: 'a=b\nc' },
    sourceDateEpoch: 0,
    cwd: '/inputs/src',
    network: 'host',
    user: { uid: 0xffff_fffe, gid: 0, groups: Array.from({ length: 15 }, (_, index) => index), leased: { first: 1, count: 0xffff_fffe } },
    allow: ['attributes', 'user-namespaces', 'io_uring', 'keyring', 'perf', 'bpf', 'userfaultfd', 'sockets', 'set-id', 'aio'],
    hostname: 'a'.repeat(63),
    stateDirectory: '/var/run/elsewhere',
    wait: 1000,
  }
  expect(checkedSpec(full)).toEqual(full)
  expect(checkedSpec({})).toEqual({})
})

it('a field that is there but undefined counts as left out', () => {
  const undefinedFields = Object.fromEntries(fieldNames.map((name) => [name, undefined]))
  expect(Object.keys(check(undefinedFields))).toEqual([])
})
