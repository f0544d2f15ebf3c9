import { isIPv4, isIPv6 } from 'node:net'
import { domainToASCII } from 'node:url'

import { invalid, readText } from './check.ts'

/** One entry of `network.allow`: a destination that a build may connect to by TCP. */
export interface AllowedHost {
  /** `wildcard`: any name with a label or more before `.${host}`. `host`: the loopback of the host. */
  readonly kind: 'name' | 'wildcard' | 'address' | 'host'
  /** A name in lower case and ASCII, or an address without brackets. Empty for `host`. */
  readonly host: string
  readonly port: number
}

/** Entries of a session. Each name takes an address of its loopback. */
export const mostAllowed = 256

const name = String.raw`[\w\-\u0080-\u{10ffff}]{1,63}(?:\.[\w\-\u0080-\u{10ffff}]{1,63})*`
const port = String.raw`[1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5]`

/** The form of an entry. `readAllowedHost` refuses some that have it. */
export const allowedHostPattern: string = String.raw`^(?:(?:\*\.)?${name}|\[[\dA-Fa-f:.]+\]):(?:${port})$`

const form = new RegExp(allowedHostPattern, 'u')
const asciiName = new RegExp(`^${name}$`, 'u')
/** gethostbyname(3) and getaddrinfo(3) read a name that ends so as an address: 134744072, 0x8.8. */
const endsInNumber = /(?:^|\.)(?:\d+|0x[\da-f]*)$/
/** RFC 1035, 2.3.4, without the dot at its end. */
const longestName = 253

const forms = 'write NAME:PORT, *.NAME:PORT, IPv4:PORT, [IPv6]:PORT or host:PORT'

/** @throws SpecError naming the entry */
export function readAllowedHost(given: unknown, entry: string): AllowedHost {
  const text = readText(given, entry)
  if (!form.test(text)) throw invalid(entry, `'${text}' ${problemOf(text)}`)
  const colon = text.lastIndexOf(':')
  const [host, number] = [text.slice(0, colon), Number(text.slice(colon + 1))]
  const refuse = (problem: string): never => {
    throw invalid(entry, `'${text}' ${problem}`)
  }
  if (host.startsWith('[')) return { kind: 'address', host: readIPv6(host.slice(1, -1), refuse), port: number }
  if (isIPv4(host)) return { kind: 'address', host: readIPv4(host, refuse), port: number }
  if (host.startsWith('*.')) return { kind: 'wildcard', host: readName(host.slice(2), refuse), port: number }
  const found = readName(host, refuse)
  // As a plan has the name: the host of `git://HOST/` keeps its case (WHATWG URL, opaque host), and a plan reads it as `host`.
  // defence: host-however-spelled
  if (found === 'host') return { kind: 'host', host: '', port: number }
  return { kind: 'name', host: found, port: number }
}

/** The entry that `readAllowedHost` reads as this. */
export function allowedHostText({ kind, host, port: number }: AllowedHost): string {
  if (kind === 'host') return `host:${number}`
  if (kind === 'wildcard') return `*.${host}:${number}`
  return `${host.includes(':') ? `[${host}]` : host}:${number}`
}

function problemOf(text: string): string {
  if (isIPv6(text)) return 'is an IPv6 address without its brackets or without a port: write [IPv6]:PORT'
  if (!text.includes(':') || text.endsWith(']')) return `has no port: write ${text.endsWith(']') || asciiName.test(text) ? text : 'NAME'}:PORT, as in NAME:443`
  if (/\.:\d+$/.test(text)) return 'has a dot at the end of its name: write the name without it'
  if (text.includes('//')) return `is a URL: ${forms}`
  if (!/:\d+$/.test(text)) return `has no number as its port: ${forms}`
  if (!new RegExp(`:(?:${port})$`).test(text)) return 'has no port from 1 to 65535'
  if (text.includes('*')) return 'has a * elsewhere than in place of its first labels: write *.NAME:PORT'
  return `is no entry of a network: ${forms}`
}

type Refuse = (problem: string) => never

function readName(given: string, refuse: Refuse): string {
  const found = /^[\0-\x7f]*$/.test(given) ? given.toLowerCase() : domainToASCII(given)
  if (found === '' || !asciiName.test(found) || found.length > longestName) refuse('has a name that DNS cannot have')
  // defence: number-name-refused
  if (endsInNumber.test(found)) refuse('has a number in place of a name: an IPv4 address has four decimal numbers')
  if (/(?:^|\.)localhost$/.test(found)) refuse("names the session's own loopback, which needs no entry: write host:PORT for that of the host")
  return found
}

function readIPv4(given: string, refuse: Refuse): string {
  const first = Number(given.split('.')[0])
  if (first === 127) refuse("is the session's own loopback, which needs no entry: write host:PORT for that of the host")
  if (first === 0 || (first >= 224 && first < 240) || given === '255.255.255.255') refuse('is no address that TCP can connect to')
  return given
}

function readIPv6(given: string, refuse: Refuse): string {
  if (!isIPv6(given)) refuse('has no IPv6 address in its brackets')
  // The shortest form (RFC 5952).
  const found = new URL(`http://[${given}]`).hostname.slice(1, -1)
  if (found === '::1') refuse("is the session's own loopback, which needs no entry: write host:PORT for that of the host")
  if (found.startsWith('::ffff:')) refuse('is an IPv4 address in IPv6: write it as IPv4:PORT')
  if (found === '::' || /^ff[\da-f]{2}:/.test(found)) refuse('is no address that TCP can connect to')
  if (/^fe[89ab][\da-f]:/.test(found)) refuse('is an address of one link, which needs an interface')
  return found
}
