// The answers of jail_get(2) as values of JavaScript.
import os from 'node:os'

import type { NativeJailParameter } from './freebsd.ts'

type JailValue = boolean | number | bigint | string | readonly string[]

/** A parameter of a jail as native code has it. */
export type NativeJailValue = readonly [name: string, type: NativeJailParameter['type'], bytes: Uint8Array]

/** jail(2), JAIL_SYS_*: the position is the number. */
export const jailsysWords: readonly string[] = ['disable', 'new', 'inherit']

/** The parameters of a session's jail. A value becomes a number if a number of JavaScript can hold it. */
export function jailRecordOf(values: readonly NativeJailValue[]): Record<string, JailValue> {
  const plain = (value: JailValue | null): JailValue => (typeof value === 'bigint' && value <= Number.MAX_SAFE_INTEGER ? Number(value) : (value ?? ''))
  return Object.fromEntries(values.map(([name, type, bytes]) => [name, plain(decodeParameter(type, bytes))]))
}

export function decodeParameter(type: NativeJailParameter['type'], bytes: Uint8Array): JailValue | null {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  switch (type) {
    case 'bool':
      return intOf(buffer) !== 0
    case 'int':
      return intOf(buffer)
    case 'ulong':
      return inOrder(buffer).readBigUInt64LE()
    case 'jailsys':
      return jailsysWords[intOf(buffer)] ?? null
    case 'string':
      return buffer.toString('utf8').split('\0', 1)[0] ?? ''
    case 'in_addr':
      return chunks(buffer, 4).map((address) => address.join('.'))
    case 'in6_addr':
      return chunks(buffer, 16).map((address) => hostname(chunks(address, 2).map((group) => group.readUInt16BE().toString(16)).join(':')))
  }
}

function intOf(bytes: Buffer): number {
  return inOrder(bytes).readInt32LE()
}

/** A number with the machine's byte order as one with the lowest byte first, or the other way round. */
export function inOrder(bytes: Buffer): Buffer {
  return os.endianness() === 'LE' ? bytes : Buffer.from(bytes).reverse()
}

/** The URL parser knows every way to write an address of IPv6, and writes it one way: groups in hex, at most one `::`. */
export function hostname(address: string): string {
  return new URL(`http://[${address}]`).hostname.slice(1, -1)
}

function chunks(buffer: Buffer, size: number): Buffer[] {
  return Array.from({ length: Math.floor(buffer.length / size) }, (_, index) => buffer.subarray(index * size, (index + 1) * size))
}
