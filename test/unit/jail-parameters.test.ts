import { describe, expect, it } from 'vitest'

import { encodeParameter, textValue, type JailParameterValue } from '../../src/freebsd/jail-parameters.ts'
import { keyPair, type JailKey } from '../../src/freebsd/jails.ts'
import type { NativeJailParameter } from '../../src/native/freebsd.ts'
import { decodeParameter } from '../../src/native/jail-values.ts'
import { refusalOf } from './refusal.ts'

type Type = NativeJailParameter['type']

const encoded = (name: string, value: JailParameterValue, type?: Type): [string, string | null] => {
  const [key, bytes] = encodeParameter(name, value, type)
  return [key, bytes === null ? null : Buffer.from(bytes).toString('hex')]
}

describe('the kernel gets each parameter in the form it reads', () => {
  it.each<[string, JailParameterValue, Type | undefined, [string, string | null]]>([
    ['persist', true, 'bool', ['persist', null]],
    ['persist', false, 'bool', ['nopersist', null]],
    ['allow.raw_sockets', false, 'bool', ['allow.noraw_sockets', null]],
    ['allow.mount.nullfs', false, 'bool', ['allow.mount.nonullfs', null]],
    ['nopersist', null, 'bool', ['nopersist', null]],
    ['desc', null, undefined, ['desc', null]],
    ['children.max', 0, 'int', ['children.max', '00000000']],
    ['securelevel', -1, 'int', ['securelevel', 'ffffffff']],
    ['host.hostid', 5, 'ulong', ['host.hostid', '0500000000000000']],
    ['host.hostid', 2n ** 64n - 1n, 'ulong', ['host.hostid', 'ffffffffffffffff']],
    ['ip4', 'disable', 'jailsys', ['ip4', '00000000']],
    ['ip4', 'new', 'jailsys', ['ip4', '01000000']],
    ['ip4', 'inherit', 'jailsys', ['ip4', '02000000']],
    ['name', 'bj', 'string', ['name', '626a00']],
    ['ip4.addr', ['127.0.0.1', '10.0.0.2'], 'in_addr', ['ip4.addr', '7f0000010a000002']],
    ['ip4.addr', [], 'in_addr', ['ip4.addr', '']],
    ['ip6.addr', ['::1'], 'in6_addr', ['ip6.addr', '00000000000000000000000000000001']],
    ['ip6.addr', ['2001:db8::ff00:42:8329'], 'in6_addr', ['ip6.addr', '20010db8000000000000ff0000428329']],
    ['ip6.addr', ['::'], 'in6_addr', ['ip6.addr', '0'.repeat(32)]],
    ['ip6.addr', ['::ffff:10.0.0.1'], 'in6_addr', ['ip6.addr', '00000000000000000000ffff0a000001']],
    ['ip6.addr', ['1::', '1:2:3:4:5:6:7:8'], 'in6_addr', ['ip6.addr', `0001${'0'.repeat(28)}00010002000300040005000600070008`]],
  ])('%s = %o', (name, value, type, expected) => {
    expect(encoded(name, value, type)).toEqual(expected)
  })
})

describe('a value that the kernel would read as another is refused, naming the parameter', () => {
  it.each<[string, JailParameterValue, Type]>([
    ['children.max', 2 ** 31, 'int'],
    ['children.max', 1.5, 'int'],
    ['host.hostid', -1, 'ulong'],
    ['host.hostid', 1.5, 'ulong'],
    ['host.hostid', 2n ** 64n, 'ulong'],
    ['host.hostid', -1n, 'ulong'],
    ['ip4', 'none', 'jailsys'],
    ['children.max', '0', 'int'],
    ['children.max', true, 'int'],
    ['host.hostid', '5', 'ulong'],
    ['persist', 1, 'bool'],
    ['ip4.addr', null, 'in_addr'],
    ['path', null, 'string'],
    ['vnet', true, 'jailsys'],
    ['ip4', 1, 'jailsys'],
    ['path', true, 'string'],
    ['ip4.addr', '10.0.0.1', 'in_addr'],
    ['ip6.addr', false, 'in6_addr'],
    ['ip4.addr', ['10.0.0'], 'in_addr'],
    ['ip4.addr', ['::1'], 'in_addr'],
    ['ip6.addr', ['10.0.0.1'], 'in6_addr'],
    ['ip6.addr', ['fe80::1%lo0'], 'in6_addr'],
    ['ip6.addr', ['localhost'], 'in6_addr'],
    ['name', new Uint8Array([0x62, 0x6a, 0]), 'string'],
  ])('%s = %o', (name, value, type) => {
    expect(refusalOf(() => encodeParameter(name, value, type))).toMatchObject({ code: 'EINVAL', syscall: 'jail_set', step: 'check', entry: name, detail: expect.stringMatching(`^${name} `) })
  })

  it('a text with NUL', () => {
    expect(refusalOf(() => encodeParameter('path', '/a\0b', 'string'))).toMatchObject({ code: 'EINVAL', entry: 'path' })
    expect(refusalOf(() => textValue('\0', 'nmount', 'from'))).toMatchObject({ code: 'EINVAL', syscall: 'nmount', entry: 'from' })
  })
})

describe('a jail is said by one key', () => {
  const bytesOf = ([key, bytes]: readonly [string, Uint8Array | null]): unknown => [key, bytes === null ? null : Buffer.from(bytes).toString('hex')]

  it.each<[JailKey, string]>([
    [{ jid: 12 }, '0c000000'],
    [{ jid: -1 }, 'ffffffff'],
    [{ lastjid: 0 }, '00000000'],
    [{ name: 'bj' }, '626a00'],
  ])('%o', (key, expected) => {
    expect(bytesOf(keyPair(key))).toEqual([Object.keys(key)[0], expected])
  })

  it.each<[unknown]>([[null], [7], ['jid'], [[]], [{}], [{ jid: 1, name: 'bj' }], [{ path: '/' }], [{ jid: 2 ** 32 + 1 }], [{ jid: 1.5 }], [{ jid: -0 }], [{ jid: '1' }], [{ jid: 1n }], [{ name: 1 }], [{ name: 'a\0b' }], [{ jid: { valueOf: () => 1 } }]])('and %o is none', (key) => {
    expect(refusalOf(() => keyPair(key as JailKey))).toMatchObject({ code: 'EINVAL', step: 'check' })
  })

  it('without checks it is anything that has a form for the kernel', () => {
    expect(bytesOf(keyPair({ desc: 9 } as unknown as JailKey, false))).toEqual(['desc', '09000000'])
    expect(bytesOf(keyPair({ jid: 'abc' } as unknown as JailKey, false))).toEqual(['jid', '61626300'])
    expect(refusalOf(() => keyPair({ jid: 2 ** 32 + 1 }, false))).toMatchObject({ code: 'EINVAL', entry: 'jid' })
  })
})

describe('without checks the kernel gets what was given, in the form of its own type', () => {
  it.each<[string, JailParameterValue, Type, [string, string | null]]>([
    ['children.max', '0', 'int', ['children.max', '3000']],
    ['children.max', true, 'int', ['children.max', null]],
    ['children.max', 2 ** 31, 'int', ['children.max', '00000080']],
    ['host.hostid', -1, 'ulong', ['host.hostid', 'ffffffffffffffff']],
    ['ip4', 'none', 'jailsys', ['ip4', '6e6f6e6500']],
    ['path', '/a\0b', 'string', ['path', '2f61006200']],
    ['ip4.addr', ['::1'], 'in_addr', ['ip4.addr', '00000000000000000000000000000001']],
    ['name', new Uint8Array([0x62, 0x6a]), 'string', ['name', '626a']],
  ])('%s = %o', (name, value, type, expected) => {
    const [key, bytes] = encodeParameter(name, value, type, false)
    expect([key, bytes === null ? null : Buffer.from(bytes).toString('hex')]).toEqual(expected)
  })
})

describe('what the kernel answers is read back as what it means', () => {
  it.each<[Type, string, JailParameterValue]>([
    ['bool', '01000000', true],
    ['bool', '00000000', false],
    ['int', 'ffffffff', -1],
    ['ulong', 'ffffffffffffffff', 2n ** 64n - 1n],
    ['jailsys', '00000000', 'disable'],
    ['jailsys', '02000000', 'inherit'],
    ['jailsys', '09000000', null],
    ['string', '626a00', 'bj'],
    ['string', '626a0078787800', 'bj'],
    ['string', '00', ''],
    ['in_addr', '7f0000010a000002', ['127.0.0.1', '10.0.0.2']],
    ['in_addr', '', []],
    ['in6_addr', '20010db8000000000000ff0000428329', ['2001:db8::ff00:42:8329']],
  ])('%s %s', (type, hex, value) => {
    expect(decodeParameter(type, Buffer.from(hex, 'hex'))).toEqual(value)
  })

  it('wherever in a larger buffer the answer lies', () => {
    const larger = Buffer.from('ffff01000000ffff', 'hex')
    expect(decodeParameter('int', new Uint8Array(larger.buffer, larger.byteOffset + 2, 4))).toBe(1)
  })

  it.each<[string, JailParameterValue, Type]>([
    ['host.hostid', 12n, 'ulong'],
    ['children.max', 7, 'int'],
    ['host', 'new', 'jailsys'],
    ['host.hostname', 'bäu', 'string'],
    ['ip4.addr', ['10.1.2.3'], 'in_addr'],
    ['ip6.addr', ['fe80::1', '::', '::1'], 'in6_addr'],
  ])('%s = %o, as it was set', (name, value, type) => {
    expect(decodeParameter(type, encodeParameter(name, value, type)[1] ?? new Uint8Array())).toEqual(value)
  })
})
