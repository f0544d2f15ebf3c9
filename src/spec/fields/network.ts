import { bare } from '../plain-data.ts'
import { allowedHostPattern, allowedHostText, mostAllowed, readAllowedHost } from '../allowed-hosts.ts'
import { invalid, readList, readRecord, readText } from '../check.ts'
import { joinedSets, type Field } from '../field.ts'
import { host } from '../look.ts'
import { asking, readable, specText } from '../messages.ts'
import { isPreset, presetHosts, presets } from '../presets/hosts-of.ts'

export interface WithNetwork {
  /**
   * `none` (default): no address family but Unix sockets. `loopback`: a network of the session's own with nothing but 127.0.0.1 and ::1. `host`: the host's own
   * network, with the files for name lookups and for checking certificates (`etc`). `{ allow }`: a loopback of the session's own with a resolver for the names
   * of a list; the host program connects to them for the build, by TCP only. Or a network that another program made: `{ vnet }`, an interface that FreeBSD
   * moves into the session while it is open; `{ namespace }`, a network namespace of Linux, by its file.
   */
  readonly network?: Network
}

export type Network = NetworkWord | AllowedNetwork | GivenInterface | GivenNamespace

export type NetworkWord = 'none' | 'loopback' | 'host'

/** A network of names: the build can connect only to entries of a list. */
export interface AllowedNetwork {
  /**
   * What the build can connect to: `NAME:PORT`; `*.NAME:PORT` for every name that ends in `.NAME`; `IPv4:PORT`, `[IPv6]:PORT`; `host:PORT` for the loopback of
   * the host; `npm`, `pip`, `cargo`, `go` or `git` for the hosts that the configuration of this tool names (`hostsOf`). At most 256 entries. A plan has each
   * entry once, sorted, in lower case and ASCII.
   */
  readonly allow: readonly string[]
  /** Whether a connection to port 443 of a name must begin with TLS, without another name in it (SNI). Default: true. A plan always has it. */
  readonly tlsNames?: boolean
}

/**
 * FreeBSD: the name of an interface of the host, such as `epair0b`. It loses the addresses that it has there, and the build cannot give it any: set it up from
 * the host, by the session's jid (ifconfig(8), `-j`).
 */
export interface GivenInterface {
  readonly vnet: string
}

/** Linux: an absolute path of the host, such as `/run/netns/build` or `/proc/1234/ns/net`. Only root can hand one in. */
export interface GivenNamespace {
  readonly namespace: string
}

const words: ReadonlySet<unknown> = new Set<NetworkWord>(['none', 'loopback', 'host'])
const isWord = (given: unknown): given is NetworkWord => words.has(given)

const what = "must be 'none', 'loopback', 'host', { allow: a list of NAME:PORT }, { vnet: an interface } or { namespace: a path }"

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
    elsewhere: 'only FreeBSD moves an interface into a session; on Linux hand in',
    instead: { network: { namespace: '/run/netns/NAME' } },
  },
  namespace: {
    platform: 'linux',
    read: (given: unknown, entry: string): Network => {
      const path = readText(given, entry)
      if (!path.startsWith('/')) throw invalid(entry, `'${path}' must be an absolute path`)
      return bare({ namespace: path })
    },
    elsewhere: 'only Linux has network namespaces; on FreeBSD hand in',
    instead: { network: { vnet: 'INTERFACE' } },
  },
} as const

type HandedIn = keyof typeof handedIn

function onAnother(kind: HandedIn): Error {
  const { elsewhere, instead } = handedIn[kind]
  return asking(invalid(`network.${kind}`, `${elsewhere} ${specText(instead)}`), instead)
}

const isHandedIn = (key: string): key is HandedIn => Object.hasOwn(handedIn, key)

export function isAllowedNetwork(network: Network): network is AllowedNetwork {
  return typeof network === 'object' && 'allow' in network
}

/** Whether it has that very name, at any port. */
export function allowsName(network: Network, name: string): boolean {
  if (!isAllowedNetwork(network)) return false
  return network.allow.some((entry) => entry.startsWith(`${name.toLowerCase()}:`))
}

/** The one key and value of it. Undefined for a word, and for a network of names. */
export function handedInNetwork(network: Network): readonly [kind: HandedIn, value: string] | undefined {
  if (typeof network === 'string' || isAllowedNetwork(network)) return undefined
  return 'vnet' in network ? ['vnet', network.vnet] : ['namespace', network.namespace]
}

function read(given: unknown, entry: string): Network {
  if (isWord(given)) return given
  if (typeof given !== 'object' || given === null) throw invalid(entry, what)
  const record = readRecord(given, entry)
  if (Object.hasOwn(record, 'allow')) return readAllowed(record, entry)
  const [key, ...others] = Object.keys(record)
  if (key === undefined || others.length > 0 || !isHandedIn(key)) throw invalid(entry, what)
  return handedIn[key].read(record[key], `${entry}.${key}`)
}

function readAllowed({ allow, tlsNames, ...others }: Readonly<Record<string, unknown>>, entry: string): AllowedNetwork {
  const [other] = Object.keys(others)
  if (other !== undefined) throw invalid(`${entry}.${other}`, 'cannot be beside allow')
  if (tlsNames !== undefined && typeof tlsNames !== 'boolean') throw invalid(`${entry}.tlsNames`, 'must be true or false')
  const list = readList(allow, `${entry}.allow`, 'a list of NAME:PORT')
  // defence: names-network-bounded
  if (list.length > mostAllowed) throw invalid(`${entry}.allow`, `has more than ${mostAllowed} entries`)
  const texts = list.map((one, index) => {
    if (!isPreset(one)) readAllowedHost(one, `${entry}.allow[${index}]`)
    return one as string
  })
  return bare({ allow: Object.freeze(texts), ...(tlsNames === undefined ? {} : { tlsNames }) })
}

function planned(network: AllowedNetwork): AllowedNetwork {
  const { allow, tlsNames = true } = withHosts(network, host().folder)
  const texts = allow.map((one, index) => allowedHostText(readAllowedHost(one, `network.allow[${index}]`)))
  const own = [...new Set(texts)].toSorted()
  if (own.length > mostAllowed) throw invalid('network.allow', `has more than ${mostAllowed} entries, with those of its tools`)
  return bare({ allow: Object.freeze(own), tlsNames })
}

/** The same network with the hosts of its tools in their places, as these tools are configured for a folder. */
export function withHosts<Any extends Network>(network: Any, folder: string): Any
export function withHosts(network: Network, folder: string): Network {
  if (!isAllowedNetwork(network) || !network.allow.some(isPreset)) return network
  const allow = network.allow.flatMap((one, index) => (isPreset(one) ? presetHosts(one, folder, process.env, `network.allow[${index}]`) : [one]))
  return bare({ ...network, allow: Object.freeze(allow) })
}

function text(network: Network): string {
  if (isAllowedNetwork(network)) return ['allow', ...network.allow, ...(network.tlsNames === false ? ['(tlsNames: false)'] : [])].join(' ')
  const given = handedInNetwork(network)
  return given === undefined ? (network as NetworkWord) : given.join(':')
}

const forms = 'none, loopback, host, allow=NAME:PORT, vnet:INTERFACE nor namespace:PATH'

function readWord(given: string, option: string): Network {
  if (isWord(given)) return given
  const [, kind = '', value = ''] = /^([a-z]+):(.*)$/su.exec(given) ?? []
  if (!isHandedIn(kind)) throw invalid(option, `'${given}' is neither ${forms}`)
  return handedIn[kind].read(value, option)
}

const [ofAllow, ofTlsNames] = ['allow=', 'tls-names=']

function readAllowedWords(texts: readonly string[], option: string): AllowedNetwork {
  const allow = texts.filter((word) => word.startsWith(ofAllow)).map((word) => word.slice(ofAllow.length))
  for (const one of allow) if (!isPreset(one)) readAllowedHost(one, `${option} ${readable(`${ofAllow}${one}`)}`)
  const [tlsNames, ...others] = texts.filter((word) => word.startsWith(ofTlsNames))
  if (others.length > 0) throw invalid('--tls-names', 'is given twice')
  if (tlsNames === undefined) return bare({ allow })
  if (allow.length === 0) throw invalid('--tls-names', 'needs an --allow-host')
  const value = tlsNames.slice(ofTlsNames.length)
  if (value !== 'true' && value !== 'false') throw invalid('--tls-names', `'${value}' is neither true nor false`)
  return bare({ allow, tlsNames: value === 'true' })
}

function readWords(texts: readonly [string, ...string[]], option: string): Network {
  const rest = texts.filter((word) => !word.startsWith(ofAllow) && !word.startsWith(ofTlsNames))
  const [other, more] = rest
  if (other === undefined) return readAllowedWords(texts, option)
  if (more !== undefined) throw invalid(option, 'is given twice')
  if (texts.length > 1) throw invalid(option, `'${other}' is another network than one of names: leave out either it or --allow-host`)
  return readWord(other, option)
}

/** Names of the command line are added to those of the file. Of other networks the one of the command line holds. */
function joined(ofFile: Network, given: Network): Network {
  if (!isAllowedNetwork(ofFile) || !isAllowedNetwork(given)) return given
  const tlsNames = given.tlsNames ?? ofFile.tlsNames
  return bare({ allow: joinedSets(ofFile.allow, given.allow), ...(tlsNames === undefined ? {} : { tlsNames }) })
}

export const network: Field<Network, false> = {
  read,
  plan: ({ platform, settled }, value) => {
    settled.network = value === undefined ? 'none' : isAllowedNetwork(value) ? planned(value) : value
    const [kind] = handedInNetwork(settled.network) ?? []
    if (kind !== undefined && handedIn[kind].platform !== platform) throw onAnother(kind)
  },
  isAddable: false,
  rebase: (value, resolve) => withHosts(value, resolve('.')),
  facts: (plan) => [['network', text(plan.network)]],
  flag: {
    name: 'network',
    value: 'NETWORK',
    help: 'none (default), loopback, host, or allow=NAME:PORT, repeatable; FreeBSD: vnet:INTERFACE; Linux: namespace:PATH',
    isRepeatable: true,
    offers: { words: ['none', 'loopback', 'host', 'allow=', 'vnet:', 'namespace:'] },
    shortcuts: [
      {
        name: 'allow-host',
        value: 'NAME:PORT',
        help: 'let the command connect to this by TCP, and to nothing else: NAME:PORT, *.NAME:PORT, IPv4:PORT, [IPv6]:PORT or host:PORT; or npm, pip, cargo, go or git, for the hosts that the tool is configured for; repeatable',
        offers: { words: [...presets, 'host:'] },
        textOf: (value) => `${ofAllow}${value}`,
        isRepeatable: true,
      },
      {
        name: 'tls-names',
        value: 'true|false',
        help: 'with --allow-host: whether a connection to port 443 of a name must be TLS to that name; default true',
        offers: { words: ['true', 'false'] },
        textOf: (value) => `${ofTlsNames}${value}`,
      },
    ],
    read: readWords,
    join: joined,
  },
  schema: {
    anyOf: [
      { enum: ['none', 'loopback', 'host'] },
      {
        type: 'object',
        properties: {
          allow: { type: 'array', items: { anyOf: [{ enum: [...presets] }, { type: 'string', pattern: allowedHostPattern }] }, maxItems: mostAllowed },
          tlsNames: { enum: [true, false] },
        },
        required: ['allow'],
        additionalProperties: false,
      },
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
    description: "No network, a loopback of the session's own, the host's, one of names that are allowed, or one that is handed in: an interface (FreeBSD), a namespace (Linux).",
  },
}
