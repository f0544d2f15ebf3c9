import { bare } from '../plain-data.ts'
import { invalid, readRecord, readText } from '../check.ts'
import { type Field } from '../field.ts'

export interface WithNetwork {
  /**
   * `none` (default): no address family but Unix sockets. `loopback`: a network of the session's own, in which there is nothing but
   * 127.0.0.1 and ::1. `host`: the host's own network, with the files for name lookups and for checking certificates (`etc`).
   * Or a network that another program made: `{ vnet }`, an interface that FreeBSD moves into the session for as long as it is open;
   * `{ namespace }`, a network namespace that Linux has a file for.
   */
  readonly network?: Network
}

export type Network = NetworkWord | GivenInterface | GivenNamespace

export type NetworkWord = 'none' | 'loopback' | 'host'

/** FreeBSD: the name of an interface of the host, as `epair0b`. It comes without the addresses that it has there. */
export interface GivenInterface {
  readonly vnet: string
}

/** Linux: an absolute path of the host, as `/run/netns/build` or `/proc/1234/ns/net`. Only root can hand one in. */
export interface GivenNamespace {
  readonly namespace: string
}

const words: ReadonlySet<unknown> = new Set<NetworkWord>(['none', 'loopback', 'host'])
const isWord = (given: unknown): given is NetworkWord => words.has(given)

const what = "must be 'none', 'loopback', 'host', { vnet: an interface } or { namespace: a path }"

// IFNAMSIZ is 16 with the NUL at its end; ifconfig(8) takes no name with a / or a space in it.
const interfaceName = /^[!-.0-~]{1,15}$/

/** Each handed-in network: the system that has it, and what a value of it is. */
const handedIn = {
  vnet: {
    platform: 'freebsd',
    read: (given: unknown, entry: string): Network => {
      const name = readText(given, entry)
      if (!interfaceName.test(name)) throw invalid(entry, `'${name}' is no name of an interface`)
      return bare({ vnet: name })
    },
    elsewhere: 'only FreeBSD moves an interface into a session; on Linux hand in { namespace: path }',
  },
  namespace: {
    platform: 'linux',
    read: (given: unknown, entry: string): Network => {
      const path = readText(given, entry)
      if (!path.startsWith('/')) throw invalid(entry, `'${path}' must be an absolute path`)
      return bare({ namespace: path })
    },
    elsewhere: 'only Linux has network namespaces; on FreeBSD hand in { vnet: an interface }',
  },
} as const

type HandedIn = keyof typeof handedIn

const isHandedIn = (key: string): key is HandedIn => Object.hasOwn(handedIn, key)

/** The one key and value of it. Undefined for a word. */
export function handedInNetwork(network: Network): readonly [kind: HandedIn, value: string] | undefined {
  if (typeof network === 'string') return undefined
  return 'vnet' in network ? ['vnet', network.vnet] : ['namespace', network.namespace]
}

function read(given: unknown, entry: string): Network {
  if (isWord(given)) return given
  if (typeof given !== 'object' || given === null) throw invalid(entry, what)
  const record = readRecord(given, entry)
  const [key, ...others] = Object.keys(record)
  if (key === undefined || others.length > 0 || !isHandedIn(key)) throw invalid(entry, what)
  return handedIn[key].read(record[key], `${entry}.${key}`)
}

function text(network: Network): string {
  const given = handedInNetwork(network)
  return given === undefined ? (network as NetworkWord) : given.join(':')
}

export const network: Field<Network, false> = {
  read,
  plan: ({ platform, settled }, value) => {
    settled.network = value ?? 'none'
    const [kind] = handedInNetwork(settled.network) ?? []
    if (kind !== undefined && handedIn[kind].platform !== platform) throw invalid(`network.${kind}`, handedIn[kind].elsewhere)
  },
  isAddable: false,
  facts: (plan) => [['network', text(plan.network)]],
  flag: {
    name: 'network',
    value: 'NETWORK',
    help: "none (default), loopback, host; FreeBSD: vnet:INTERFACE; Linux: namespace:PATH",
    isRepeatable: false,
    offers: { words: ['none', 'loopback', 'host', 'vnet:', 'namespace:'] },
    read: ([given], option) => {
      if (isWord(given)) return given
      const [, kind = '', value = ''] = /^([a-z]+):(.*)$/su.exec(given) ?? []
      if (!isHandedIn(kind)) throw invalid(option, `'${given}' is neither none, loopback, host, vnet:INTERFACE nor namespace:PATH`)
      return handedIn[kind].read(value, option)
    },
  },
  schema: {
    anyOf: [
      { enum: ['none', 'loopback', 'host'] },
      {
        type: 'object',
        properties: { vnet: { type: 'string', pattern: interfaceName.source } },
        required: ['vnet'],
        additionalProperties: false,
      },
      {
        type: 'object',
        properties: { namespace: { type: 'string', pattern: String.raw`^/[^\0]*$` } },
        required: ['namespace'],
        additionalProperties: false,
      },
    ],
    default: 'none',
    description: "No network, a loopback of the session's own, the host's, or one that is handed in: an interface (FreeBSD), a namespace (Linux).",
  },
}
