import { isIP } from 'node:net'

import type { SystemCallError } from '../errors.ts'
import type { NativeIovec, NativeJailParameter } from '../native/freebsd.ts'
import { hostname, inOrder, jailsysWords } from '../native/jail-values.ts'
import { copied, inWords, isText, isWhole, refusal } from './refusal.ts'

/**
 * The value of a parameter in JavaScript. Null gives the name alone, as flags have it. Bytes go to the kernel unchanged, and only with `check: false`.
 */
export type JailParameterValue = boolean | number | bigint | string | readonly string[] | Uint8Array | null

/** More than the kernel takes for a jail (the sysctl security.jail.jail_max_af_ips is 255). */
const mostAddresses = 65_536

/** The types of JavaScript that fit the kernel's. The kernel judges parameters that it does not list. */
const kindOf: Readonly<Record<NativeJailParameter['type'], { readonly fits: (value: unknown) => boolean; readonly what: string }>> = {
  bool: { fits: (value) => typeof value === 'boolean' || value === null, what: 'is true or false' },
  int: { fits: (value) => typeof value === 'number', what: 'is a 32-bit whole number' },
  ulong: { fits: (value) => typeof value === 'number' || typeof value === 'bigint', what: 'is a 64-bit whole number that is not negative' },
  string: { fits: (value) => typeof value === 'string', what: 'is a text' },
  jailsys: { fits: (value) => typeof value === 'string', what: `is one of ${jailsysWords.join(', ')}` },
  in_addr: { fits: Array.isArray, what: 'is a list of addresses' },
  in6_addr: { fits: Array.isArray, what: 'is a list of addresses' },
}

/**
 * A parameter as jail_set(2) takes it.
 * @param type what the kernel says of the name
 * @param isChecked where false, a value of another type goes to the kernel in the form of its own type
 * @throws SystemCallError `EINVAL` naming the parameter when the value does not fit it.
 */
export function encodeParameter(name: string, value: JailParameterValue, type: NativeJailParameter['type'] | undefined, isChecked = true): NativeIovec {
  if (isChecked && type !== undefined && !kindOf[type].fits(value)) throw unfit(name, `${kindOf[type].what}, which ${inWords(value)} is not`)
  if (value === null) return [name, null]
  if (value instanceof Uint8Array) {
    if (isChecked) throw unfit(name, 'is given as bytes, which only `check: false` allows')
    return [name, value]
  }
  if (typeof value === 'boolean') return [value ? name : negated(name), null]
  if (typeof value === 'bigint' || (typeof value === 'number' && type === 'ulong')) return [name, ulong(name, value, isChecked)]
  if (typeof value === 'number') return [name, int(name, value, isChecked)]
  if (typeof value !== 'string') {
    const addresses = copied<string>(value, mostAddresses, 'jail_set', name, isText, 'the text of an address')
    return [name, Buffer.concat(addresses.map((address) => addressBytes(name, address, isChecked ? type : undefined)))]
  }
  if (type !== 'jailsys') return [name, textValue(value, 'jail_set', name, isChecked)]
  const position = jailsysWords.indexOf(value)
  if (position >= 0) return [name, int(name, position, isChecked)]
  if (isChecked) throw unfit(name, kindOf[type].what)
  return [name, textValue(value, 'jail_set', name, isChecked)]
}

/**
 * The text with the NUL that jail_set(2) and nmount(2) count in.
 * @throws SystemCallError `EINVAL` where the text has a NUL inside: the kernel would stop reading there
 */
export function textValue(text: string, syscall: string, name: string, isChecked = true): Uint8Array {
  if (isChecked && text.includes('\0')) throw refusal(syscall, 'EINVAL', name, `${name} must not hold a NUL character`)
  return Buffer.from(`${text}\0`)
}

/** jail(8): `no` goes before the last component. */
function negated(name: string): string {
  const at = name.lastIndexOf('.') + 1
  return `${name.slice(0, at)}no${name.slice(at)}`
}

// Without checks a number may use every bit of its form. The kernel would get another number than a larger one.

function int(name: string, value: number, isChecked: boolean): Buffer {
  if (!isWhole(value, -(2 ** 31), isChecked ? 2 ** 31 - 1 : 2 ** 32 - 1)) throw unfit(name, kindOf.int.what)
  return word(4, (bytes) => bytes.writeInt32LE(value | 0))
}

function ulong(name: string, value: number | bigint, isChecked: boolean): Buffer {
  const isExact = typeof value === 'bigint' || isWhole(value, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
  const isFit = isExact && value >= (isChecked ? 0n : -(2n ** 63n)) && value < 2n ** 64n
  if (!isFit) throw unfit(name, kindOf.ulong.what)
  return word(8, (bytes) => bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value))))
}

function word(size: number, write: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.alloc(size)
  write(bytes)
  return inOrder(bytes)
}

function addressBytes(name: string, address: string, type: NativeJailParameter['type'] | undefined): Buffer {
  // The kernel keeps no zone (`%em0`) with an address.
  const family = address.includes('%') ? 0 : isIP(address)
  if (family === 0) throw unfit(name, `takes addresses, which ${address} is not`)
  // The kernel sees bytes alone, and would take four IPv4 addresses for one IPv6 address.
  const wanted = type === 'in_addr' ? 4 : type === 'in6_addr' ? 6 : family
  if (family !== wanted) throw unfit(name, `takes addresses of IPv${wanted}, which ${address} is not`)
  if (family === 4) return Buffer.from(address.split('.').map(Number))
  const [head = '', tail] = hostname(address).split('::')
  const groups = (text: string): number[] => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)))
  const before = groups(head)
  const after = tail === undefined ? [] : groups(tail)
  const bytes = Buffer.alloc(16)
  before.forEach((group, index) => bytes.writeUInt16BE(group, index * 2))
  after.forEach((group, index) => bytes.writeUInt16BE(group, 16 - (after.length - index) * 2))
  return bytes
}

function unfit(name: string, what: string): SystemCallError {
  return refusal('jail_set', 'EINVAL', name, `${name} ${what}`)
}

/** `allow.nomount` as `allow.mount`; undefined where there is no `no` before the last component. */
export function unnegated(name: string): string | undefined {
  const at = name.lastIndexOf('.') + 1
  return name.startsWith('no', at) ? `${name.slice(0, at)}${name.slice(at + 2)}` : undefined
}
