import { isIP, isIPv6 } from 'node:net'

import { allowedHostText, readAllowedHost } from '../spec/allowed-hosts.ts'
import { isAllowedNetwork, type AllowedNetwork } from '../spec/fields/network.ts'
import { runningRuntime } from '../spec/host-parts.ts'
import { readable } from '../spec/messages.ts'
import type { Evidence, NetworkTrouble } from './hint-evidence.ts'
import type { Found, Recogniser, Remedy } from './hints.ts'

const nothing: readonly Found[] = []

const unreachable = /\bENETUNREACH\b|\bNetwork is unreachable\b/i
const unresolved = /\bEAI_AGAIN\b|Temporary failure (?:in name resolution|resolving)|Could not resolve host\b|unable to resolve host address|\bUnknownHostException\b|Name could not be resolved at this time|\btransfer failed for https?:\/\//i
/** The host that a program could not reach. */
const wanted = /(?:(?:EAI_AGAIN|resolve host:?|host address|UnknownHostException:|ENETUNREACH|resolving) [‘'"]?|transfer failed for https?:\/\/)([\w.:-]*\w)/
/** curl(1) does not say why. */
const notConnected = /\bFailed to connect to \S+ port \d+|\bImmediate connect fail for /i
const ownAddress = /\b(?:127\.\d+\.\d+\.\d+|localhost)\b|(?:^|[\s[(])::1\b/

const addressAtPort = /(?<![\w.:])\[?(?<host>(?:\d{1,3}\.){3}\d{1,3}|[\da-f]*:[\da-f:.]*:[\da-f]*)\]?\)?(?:(?::|,? port[ =]|', (?:port=)?| )(?<port>\d{1,5})\b)?/gi
/** Node writes no brackets, and bash(1) has an address as a file. */
const ofNode = /\bE[A-Z]+ (?<host>[\da-f:.]*:[\da-f]*):(?<port>\d{1,5})\b/i
const ofBash = /\/dev\/tcp\/(?<host>[\da-f:.]+)\/(?<port>\d{1,5})\b/i

/** The address in a line of a program that could not connect to it, as an entry of a network has it. */
function addressIn(line: string, evidence: Evidence): string | undefined {
  const found = [ofNode.exec(line), ofBash.exec(line), ...line.matchAll(addressAtPort)].map((one) => one?.groups)
  // A time of day has colons as well.
  const { host = '', port } = found.find((groups) => isIP(groups?.['host'] ?? '') !== 0) ?? {}
  const text = isIPv6(host) ? `[${host}]` : host
  return host === '' ? undefined : `${text}:${port ?? portOf(evidence, text)}`
}

/** Node may include the files that node-gyp(1) downloads. */
function ownHeaders(evidence: Evidence, name: string | undefined): readonly Remedy[] {
  const { source } = runningRuntime()
  if (name !== 'nodejs.org' || !evidence.isOnHost(`${source}/include/node/node.h`)) return []
  return [{ spec: { env: { npm_config_nodedir: source } }, effect: 'has node-gyp take the headers that this Node has' }]
}

/** A network with one more name. Empty if no network can have that name. */
function allowing(evidence: Evidence, name: string, effect: string, port = portOf(evidence, name)): readonly Remedy[] {
  const entry = entryOf(/:\d+$/.test(name) ? name : `${name}:${port}`)
  return entry === undefined ? [] : [{ spec: { network: { allow: [entry] } }, effect }]
}

/** Of a name that a command wanted. One name stands for the host's own loopback. */
function allowingWanted(evidence: Evidence, name: string, effect: string): readonly Remedy[] {
  return allowing(evidence, name, /^host(?::\d+)?$/i.test(name) ? "opens that port of the host's own 127.0.0.1 to it" : effect)
}

/** As a plan has it. */
function entryOf(text: string): string | undefined {
  try {
    return allowedHostText(readAllowedHost(text, 'network'))
  } catch {
    return undefined
  }
}

/** As a pattern that matches it and nothing else. */
function literally(text: string): string {
  return text.replaceAll(/\W/g, String.raw`\$&`)
}

/** The port at which a command wanted a name, by its output. Most want 443. */
function portOf(evidence: Evidence, name: string): number {
  const literal = literally(name)
  const found = evidence.match(new RegExp(String.raw`(?:^|[^\w.-])${literal}:(\d{1,5})\b`, 'i'))?.[1]
  if (found !== undefined) return Number(found)
  return evidence.match(new RegExp(String.raw`\bhttp://${literal}(?:[/\s'"]|$)`, 'i')) === undefined ? 443 : 80
}

/** Wanted a network that was not declared. */
export const wantsNetwork: Recogniser = (evidence) => {
  const { network } = evidence.failure.plan
  if (network !== 'none' && network !== 'loopback') return nothing
  const isOwn = (line: string): boolean => ownAddress.test(line)
  const failed = evidence.lines.filter((line) => unreachable.test(line) || unresolved.test(line) || (notConnected.test(line) && !isOwn(line) && addressIn(line, evidence) !== undefined))
  // A stack trace repeats the errno without an address.
  const ofOthers = failed.filter((line) => !isOwn(line))
  const outward = ofOthers.find((line) => wanted.test(line) || addressIn(line, evidence) !== undefined) ?? ofOthers.find((line) => unresolved.test(line)) ?? failed.find(() => !failed.some(isOwn))
  if (outward !== undefined) {
    const about = (unresolved.test(outward) ? undefined : addressIn(outward, evidence)) ?? wanted.exec(outward)?.[1]
    const whom = about === undefined ? 'another machine' : readable(about)
    return [
      {
        problem: `it tried to reach ${whom}, and has ${network === 'none' ? 'no network' : 'only 127.0.0.1'}`,
        ...(about !== undefined && { about }),
        remedies: [...ownHeaders(evidence, about), ...(about === undefined ? [] : allowingWanted(evidence, about, 'lets it reach that only')), { spec: { network: 'host' }, effect: 'gives it the network of the host, unfiltered' }],
      },
    ]
  }
  if (network !== 'none' || !failed.some(isOwn)) return nothing
  return [{ problem: 'it tried to reach localhost, and has no network', about: 'localhost', remedies: [{ spec: { network: 'loopback' }, effect: 'gives it a 127.0.0.1 of its own' }] }]
}

/** The variables by which here() keeps tools offline: the value of each, the message of its tool then, and the preset of the hosts that the tool needs. */
const toldOffline: readonly (readonly [variable: string, value: RegExp, says: RegExp, tool: string, hosts?: string])[] = [
  ['CARGO_NET_OFFLINE', /^true$/, /\boffline mode \(--offline\)|\bwithout the offline flag\b|\bwhen --offline was specified\b/, 'Cargo', 'cargo'],
  ['GOPROXY', /^off$/, /\bmodule lookup disabled by GOPROXY=off\b/, 'Go', 'go'],
  ['MAVEN_ARGS', /^-o /, /\bCannot access \S+ .*\bin offline mode\b/, 'Maven'],
]

/** Was kept offline, and lacked a file that it would have fetched. */
export const stayedOffline: Recogniser = (evidence) => {
  const { network, env } = evidence.failure.plan
  if (network !== 'none' && network !== 'loopback') return nothing
  return toldOffline
    .filter(([variable, value, says]) => value.test(env[variable] ?? '') && evidence.match(says) !== undefined)
    .map(([variable, , , tool, hosts]) => ({
      problem: `${tool} lacks something that it would fetch, and this session, which has ${network === 'none' ? 'no network' : 'only 127.0.0.1'}, tells it by ${variable} to stay offline`,
      remedies: [
        ...(hosts === undefined ? [] : [{ spec: { network: { allow: [hosts] } }, effect: 'lets it reach the hosts that it is configured for' }]),
        { spec: { network: 'host' }, effect: 'gives it the network of the host, unfiltered' },
      ],
    }))
}

const lookupFailed = new RegExp(
  String.raw`\bENOTFOUND\b|\bno such host\b|\bName or service not known\b|\bnodename nor servname\b|\bfailed to lookup address\b|\bName does not resolve\b|\bNameResolutionError\b|${unresolved.source}`,
  'i',
)
const refused = /\bECONNREFUSED\b|\bconnection refused\b/i
const connectionFailed = /\bECONNRESET\b|\breset by peer\b|\bECONNREFUSED\b|\bsocket hang up\b|\bSSL|\bTLS\b|unexpected eof/i

/** By the outcome of an event: how a command failed for it, and the hint. Other outcomes are those of the host's own network. */
const troubleHints: Readonly<Record<string, { readonly says: RegExp; readonly found: (trouble: NetworkTrouble, evidence: Evidence) => Omit<Found, 'about'> }>> = {
  name: {
    says: lookupFailed,
    found: ({ name }, evidence) => ({
      problem: `it looked up ${readable(name)}, which the network of this session does not have`,
      remedies: allowingWanted(evidence, name, 'adds it'),
    }),
  },
  private: {
    says: connectionFailed,
    found: ({ name, port, address }, evidence) => ({
      problem: `it connected to ${readable(name)}:${port}, and that name has an address of the host's own networks${address === undefined ? '' : `, ${readable(address)}`}`,
      remedies: address === undefined ? [] : allowing(evidence, address.includes(':') ? `[${address}]` : address, 'lets it connect to that address', port),
    }),
  },
  'tls-name': {
    says: connectionFailed,
    found: ({ name, port }) => ({
      problem: `its connection to ${readable(name)}:${port} did not begin with TLS to that name`,
      remedies: [{ spec: { network: { allow: [`${name}:${port}`], tlsNames: false } }, effect: 'lets that pass' }],
    }),
  },
}

const refusedInside = /\b127\.64\.0\.(?<number>\d{1,3}):(?<port>\d{1,5})\b.*\brefused\b|\bECONNREFUSED 127\.64\.0\.(?<other>\d{1,3}):(?<otherPort>\d{1,5})\b/i
const refusedByName = /\bconnect to (?<name>[\w.-]+) port (?<port>\d{1,5})\b/i

/** An allowed name at a port that is in no entry: nothing listens there, so there is no event. Addresses are those of native/network/allowed_names. */
function wrongPort(evidence: Evidence, { allow }: AllowedNetwork): Found | undefined {
  const entries = allow.map((entry) => readAllowedHost(entry, 'network.allow')).filter(({ kind }) => kind === 'name' || kind === 'host')
  const names = [...new Set(entries.map(({ kind, host }) => (kind === 'host' ? 'host' : host)))]
  const byAddress = evidence.matches(refusedInside).map(({ groups: { number, other, port, otherPort } = {} }) => [names[Number(number ?? other) - 1], Number(port ?? otherPort)] as const)
  const byName = evidence.matches(refusedByName).map(({ groups: { name, port } = {} }) => [names.find((one) => one === name?.toLowerCase()), Number(port)] as const)
  for (const [name, port] of [...byAddress, ...byName]) {
    if (name === undefined || allow.some((entry) => entry === `${name}:${port}` || (entry.startsWith('*.') && `${name}:${port}`.endsWith(entry.slice(1))))) continue
    const remedies = allowing(evidence, name, 'adds that port', port)
    if (remedies.length > 0) return { problem: `it connected to ${readable(name)}:${port}, and the network of this session has that name at other ports`, about: `${name}:${port}`, remedies }
  }
  return undefined
}

/** An address that is in no entry has no route, so there is no event. An address that is in an entry at another port refuses the connection. */
function wrongAddress(evidence: Evidence, { allow }: AllowedNetwork): Found | undefined {
  for (const line of evidence.lines) {
    const about = addressIn(line, evidence)
    const entry = about === undefined ? undefined : entryOf(about)
    if (about === undefined || entry === undefined || allow.includes(entry)) continue
    const isKnown = allow.some((one) => one.startsWith(entry.replace(/\d+$/, '')))
    const remedies = unreachable.test(line) || notConnected.test(line) || (isKnown && refused.test(line)) ? allowing(evidence, entry, 'adds it') : []
    if (remedies.length > 0) return { problem: `it tried to reach ${readable(entry)}, which the network of this session does not have`, about, remedies }
  }
  return undefined
}

/** A network of names refused a name or a connection. */
export const wantsName: Recogniser = (evidence) => {
  const { plan, troubles = [] } = evidence.failure
  if (!isAllowedNetwork(plan.network)) return nothing
  const atOtherPort = wrongPort(evidence, plan.network)
  if (atOtherPort !== undefined) return [atOtherPort]
  const address = wrongAddress(evidence, plan.network)
  if (address !== undefined) return [address]
  const all = troubles.filter(({ outcome }) => Object.hasOwn(troubleHints, outcome))
  const known = all.filter(({ isEarlier }) => isEarlier !== true)
  const isNamed = ({ name }: NetworkTrouble): boolean => evidence.match(new RegExp(String.raw`(?:^|[^\w.-])${literally(name)}(?![\w-]|\.\w)`, 'i')) !== undefined
  const isSaid = ({ outcome }: NetworkTrouble): boolean => evidence.match(troubleHints[outcome]?.says ?? /$^/) !== undefined
  // An earlier refusal is certain only if the command's output says what happened, and names it.
  const trouble = evidence.isOutputSeen ? (known.find(isNamed) ?? known.find(isSaid) ?? all.find((one) => isSaid(one) && isNamed(one))) : known[0]
  const found = trouble === undefined ? undefined : troubleHints[trouble.outcome]?.found(trouble, evidence)
  return trouble === undefined || found === undefined || found.remedies.length === 0 ? nothing : [{ ...found, about: trouble.name }]
}

/** A port of the caller's own, in the messages of programs that find no server there. */
const refusedPort = /\bECONNREFUSED (?:127\.0\.0\.1|::1|localhost):(?<port>\d+)|\b(?:127\.0\.0\.1|\[::1\]|localhost):(?<other>\d+).{0,40}\bconnection refused|[("](?:127\.0\.0\.1|::1|localhost)\)?"?\)?,? port (?<third>\d+) failed: Connection refused|connect to (?:127\.0\.0\.1|::1|localhost) port (?<fourth>\d+)/i

/** A server listens on that port of the host, and the session's localhost is another. */
export const wantsServerOfHost: Recogniser = (evidence) => {
  if (evidence.failure.plan.network === 'host') return nothing
  const ports = evidence.matches(refusedPort).map(({ groups = {} }) => Number(Object.values(groups).find((one) => one !== undefined)))
  const port = ports.find((one) => evidence.outside.listens(one))
  if (port === undefined) return nothing
  const problem = `it tried to reach localhost:${port}, where a server of this host listens, and its localhost is its own`
  return [{ problem, about: `localhost:${port}`, remedies: ['begin the server in the same command', ...allowing(evidence, 'host', `gives it that port as host:${port}`, port), { spec: { network: 'host' }, effect: 'gives it the network of the host, unfiltered' }] }]
}
