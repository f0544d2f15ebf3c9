import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { parseCommandLine, type PlanRequest } from '../../src/cli/command-line.ts'
import { isBuildjailError } from '../../src/errors.ts'
import { allowedHostPattern, allowedHostText, readAllowedHost, type AllowedHost } from '../../src/spec/allowed-hosts.ts'
import { planOf } from '../../src/spec/plan.ts'
import { fields } from '../../src/spec/fields.ts'
import type { Network } from '../../src/spec/spec.ts'
import { cases } from './fuzz-cases.ts'
import { refusalOf } from './refusal.ts'

const read = (text: unknown): AllowedHost => readAllowedHost(text, 'network.allow[0]')
const plannedNetwork = (network: Network): Network => planOf({ toolchain: 'none', network }, { platform: 'linux' }).network

describe('an entry of a network of names', () => {
  it.each<[string, AllowedHost['kind'], string, number]>([
    ['registry.example.org:443', 'name', 'registry.example.org', 443],
    ['Registry.EXAMPLE.org:1', 'name', 'registry.example.org', 1],
    ['_dns-x.example:65535', 'name', '_dns-x.example', 65_535],
    ['bücher.example:443', 'name', 'xn--bcher-kva.example', 443],
    ['Ｅxample。org:443', 'name', 'example.org', 443],
    ['*.example.net:443', 'wildcard', 'example.net', 443],
    ['*.Ö.example:443', 'wildcard', 'xn--nda.example', 443],
    ['10.1.2.3:5432', 'address', '10.1.2.3', 5432],
    ['169.254.169.254:80', 'address', '169.254.169.254', 80],
    ['[2001:DB8:0:0::1]:443', 'address', '2001:db8::1', 443],
    ['host:5432', 'host', '', 5432],
    ['HOST:5432', 'host', '', 5432],
    ['ｈｏｓｔ:5432', 'host', '', 5432],
    ['ho\u00adst:5432', 'host', '', 5432],
    ['host.example:5432', 'name', 'host.example', 5432],
    ['1.2.3.4.example:1', 'name', '1.2.3.4.example', 1],
  ])('%s', (text, kind, host, port) => {
    expect(read(text)).toEqual({ kind, host, port })
  })

  it.each<[string, unknown, RegExp]>([
    ['a number', 443, /must be a string/],
    ['nothing', '', /must not be empty/],
    ['a name without a port', 'example.org', /has no port: write example\.org:PORT/],
    ['an address without a port', '[::1]', /has no port: write \[::1\]:PORT/],
    ['an address without brackets', '2001:db8::1', /without its brackets/],
    ['a port of zero', 'example.org:0', /has no port from 1 to 65535/],
    ['a port beyond the last', 'example.org:65536', /has no port from 1 to 65535/],
    ['a port with a zero before it', 'example.org:0443', /has no port from 1 to 65535/],
    ['a port of words', 'example.org:https', /has no number as its port/],
    ['a URL', 'https://example.org:443', /is a URL/],
    ['a dot at the end', 'example.org.:443', /dot at the end/],
    ['an empty label', 'example..org:443', /is no entry/],
    ['all names', '*:443', /\* elsewhere/],
    ['a wildcard inside', 'a.*.example:443', /\* elsewhere/],
    ['a wildcard of part of a label', '*a.example:443', /\* elsewhere/],
    ['a space', 'a b.example:443', /is no entry/],
    ['a line break', 'a.example:443\n', /has no number|is no entry/],
    ['a NUL', 'a.example\0:443', /NUL/],
    ['a percent sign', 'a%2e.example:443', /is no entry/],
    ['a label of 64 letters', `${'a'.repeat(64)}.example:443`, /is no entry/],
    ['a name of 254 letters', `${'a.'.repeat(125)}abcd:443`, /DNS cannot have/],
    ['a name that is no name in ASCII', 'a℀b.example:443', /DNS cannot have/],
    ['an interface', '[fe80::1%lo]:80', /is no entry/],
    ['no address in brackets', '[abcd]:80', /no IPv6 address/],
    ['an address of one number', '134744072:80', /number in place of a name/],
    ['an address in hexadecimal', '0x8.0x8:80', /number in place of a name/],
    ['an address of three numbers', '8.8.8:80', /number in place of a name/],
    ['an address in octal', '010.8.8.8:80', /number in place of a name/],
    ['an address in other digits, which are another address', '８.８.２０５６:80', /number in place of a name/],
    ['a wildcard of numbers', '*.8:80', /number in place of a name/],
    ['an address in hexadecimal and one number', '0x7f.1:80', /number in place of a name/],
    ['an address in full-width digits', '１２７.０.０.１:80', /number in place of a name/],
    ['host with a dot at its end', 'host.:80', /dot at the end/],
    ['host with a full-width dot at its end', 'host。:80', /DNS cannot have/],
    ['localhost in full-width letters', 'ＬＯＣＡＬＨＯＳＴ:80', /session's own loopback/],
    ['localhost', 'localhost:80', /session's own loopback.*host:PORT/],
    ['a name below localhost', 'a.LOCALHOST:80', /session's own loopback/],
    ['an address of the loopback', '127.0.0.53:53', /session's own loopback.*host:PORT/],
    ['the loopback in IPv6', '[0:0:0:0:0:0:0:1]:80', /session's own loopback/],
    ['IPv4 in IPv6', '[::ffff:10.0.0.1]:80', /write it as IPv4/],
    ['no address', '0.0.0.0:80', /TCP/],
    ['no address in IPv6', '[::]:80', /TCP/],
    ['a multicast', '224.0.0.1:80', /TCP/],
    ['a multicast in IPv6', '[ff02::1]:80', /TCP/],
    ['the broadcast', '255.255.255.255:80', /TCP/],
    ['an address of one link', '[fe80::1]:80', /one link/],
  ])('is refused: %s', (_, text, message) => {
    const refused = refusalOf(() => read(text))
    expect(refused).toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_SPEC', entry: 'network.allow[0]' })
    expect(refused.message).toMatch(message)
  })

  it('of which the schema refuses none that is taken', () => {
    const pattern = new RegExp(allowedHostPattern, 'u')
    const part = fc.constantFrom('a', 'B-', 'ö', '*', '1', '0x1', '[', ']', '::', '.', '.', ':', '443', '65536', 'host', 'HOST', 'ｈｏｓｔ', ' ', '%', '\0', '。')
    fc.assert(
      fc.property(fc.array(part, { maxLength: 7 }).map((parts) => `${parts.join('')}:80`), (text) => {
        let found: AllowedHost
        try {
          found = read(text)
        } catch (error) {
          if (isBuildjailError(error) && error.entry === 'network.allow[0]') return
          throw error
        }
        expect(text).toMatch(pattern)
        expect(found.host).toMatch(/^[a-z0-9_.:-]*$/)
        expect(read(allowedHostText(found))).toEqual(found)
      }),
      cases,
    )
  })
})

describe('a network of names in a plan', () => {
  it('has each entry once, sorted, in lower case and ASCII', () => {
    const allow = ['b.example:443', 'B.EXAMPLE:443', '*.ä.example:443', '[2001:DB8::0]:1', 'host:2', 'b.example:80']
    expect(plannedNetwork({ allow })).toEqual({ allow: ['*.xn--4ca.example:443', '[2001:db8::]:1', 'b.example:443', 'b.example:80', 'host:2'], tlsNames: true })
    expect(plannedNetwork({ allow: [], tlsNames: false })).toEqual({ allow: [], tlsNames: false })
  })

  it('cannot be changed, not even by who gave the list', () => {
    const allow = ['a.example:443']
    const plan = plannedNetwork({ allow })
    allow.push('b.example:443')
    expect(plan).toEqual({ allow: ['a.example:443'], tlsNames: true })
    expect(Object.isFrozen(plan) && Object.isFrozen((plan as { allow: unknown }).allow)).toBe(true)
  })

  it('is the same on both systems', () => {
    const networkOn = (platform: NodeJS.Platform): Network => planOf({ toolchain: 'none', network: { allow: ['a.example:1'] } }, { platform }).network
    expect(networkOn('freebsd')).toEqual(networkOn('linux'))
  })

  it('is a line of its text', () => {
    const facts = (network: Network): unknown => fields.network.facts(planOf({ toolchain: 'none', network }, { platform: 'linux' }))
    expect(facts({ allow: ['b.example:1', 'a.example:1'] })).toEqual([['network', 'allow a.example:1 b.example:1']])
    expect(facts({ allow: ['a.example:1'], tlsNames: false })).toEqual([['network', 'allow a.example:1 (tlsNames: false)']])
  })
})

describe('a network of names on the command line', () => {
  const given = (...words: string[]): unknown => (parseCommandLine(['plan', ...words]) as PlanRequest).spec.network
  const { join } = fields.network.flag

  it('is named by either option', () => {
    expect(given('--network', 'allow=a.example:1', '--allow-host', 'b.example:2', '--network=allow=host:3')).toEqual({ allow: ['a.example:1', 'host:3', 'b.example:2'] })
    expect(given('--allow-host', 'a.example:1', '--tls-names=false')).toEqual({ allow: ['a.example:1'], tlsNames: false })
  })

  it('is added to that of a file, and stands in place of another network', () => {
    const names = { allow: ['a.example:1', 'b.example:2'] }
    expect(join?.({ allow: ['b.example:2', 'c.example:3'], tlsNames: false }, names)).toEqual({ allow: ['b.example:2', 'c.example:3', 'a.example:1'], tlsNames: false })
    expect(join?.({ allow: [], tlsNames: false }, { ...names, tlsNames: true })).toEqual({ ...names, tlsNames: true })
    expect(join?.('loopback', names)).toEqual(names)
    expect(join?.(names, 'loopback')).toBe('loopback')
  })
})
