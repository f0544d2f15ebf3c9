import type { PlannedUser } from './plan-types.ts'

/** One system's ways, where the two differ. */
interface Customs {
  /** In the field of a password: nobody can log in by any. */
  readonly locked: string
  readonly groupOfRoot: string
  readonly groupsOfNobody: readonly (readonly [name: string, gid: number])[]
  /** The owners of a system's files besides root, whom test suites look up by name. */
  readonly owners: readonly (readonly [name: string, uid: number, gid: number])[]
  readonly shells: readonly string[]
  readonly databases: readonly string[]
}

const customs: Readonly<Record<'linux' | 'freebsd', Customs>> = {
  linux: {
    locked: 'x',
    groupOfRoot: 'root',
    groupsOfNobody: [['nogroup', 65534]],
    owners: [['daemon', 1, 1], ['bin', 2, 2]],
    shells: ['/bin/sh', '/bin/bash', '/usr/bin/sh', '/usr/bin/bash'],
    databases: ['passwd', 'group', 'shadow', 'gshadow', 'networks', 'protocols', 'services', 'ethers', 'rpc'],
  },
  freebsd: {
    locked: '*',
    groupOfRoot: 'wheel',
    groupsOfNobody: [['nogroup', 65533], ['nobody', 65534]],
    owners: [['daemon', 1, 1], ['bin', 3, 7]],
    shells: ['/bin/sh', '/bin/csh', '/bin/tcsh'],
    databases: ['passwd', 'group', 'shells', 'networks', 'protocols', 'services', 'rpc'],
  },
}

/** What passwd(5) has for the home of everybody who can build. HOME of the clean environment is the same. */
const home = '/tmp'
const nobody = 65534

const isFreebsd = (platform: NodeJS.Platform): platform is 'freebsd' => platform === 'freebsd'
const customsOf = (platform: NodeJS.Platform): Customs => customs[isFreebsd(platform) ? 'freebsd' : 'linux']
const linesOf = (lines: readonly (readonly (string | number)[])[], separator: string): string =>
  lines.map((line) => `${line.join(separator)}\n`).join('')

/**
 * passwd(5): root, the build user, daemon, bin and nobody. If two of them have one number, the first keeps it. A uid that is not known yet is
 * empty (native/freebsd/parts/users.cc).
 */
export function passwdText(platform: NodeJS.Platform, { uid, gid }: PlannedUser): string {
  const { locked, groupsOfNobody, owners } = customsOf(platform)
  const lines: (string | number)[][] = [['root', locked, 0, 0, 'root', home, '/bin/sh']]
  if (uid !== 0) lines.push(['build', locked, uid ?? '', gid, 'build user', home, '/bin/sh'])
  for (const [name, id, group] of owners) if (uid !== id) lines.push([name, locked, id, group, name, '/nonexistent', '/usr/sbin/nologin'])
  const gidOfNobody = groupsOfNobody.at(-1)?.[1] ?? nobody
  if (uid !== nobody) lines.push(['nobody', locked, nobody, gidOfNobody, 'nobody', '/nonexistent', '/usr/sbin/nologin'])
  return linesOf(lines, ':')
}

/** group(5): those of the users, and one for each supplementary group of the build user, of which id(1) wants a name. */
export function groupText(platform: NodeJS.Platform, { uid, gid, groups }: PlannedUser): string {
  const { locked, groupOfRoot, groupsOfNobody, owners } = customsOf(platform)
  const member = uid === 0 ? 'root' : 'build'
  const known = new Map<number, [string, string, number, string]>([[0, [groupOfRoot, locked, 0, '']]])
  for (const [name, id] of groupsOfNobody) known.set(id, [name, locked, id, ''])
  if (!known.has(gid)) known.set(gid, ['build', locked, gid, ''])
  for (const [name, , id] of owners) if (!known.has(id)) known.set(id, [name, locked, id, ''])
  for (const id of groups) known.set(id, [known.get(id)?.[0] ?? `group${id}`, locked, id, member])
  return linesOf([...known.values()].sort((one, other) => one[2] - other[2]), ':')
}

export function hostsText(hostname: string): string {
  const names = [...new Set(['localhost', hostname])]
  return linesOf([['127.0.0.1', ...names], ['::1', ...names]], ' ')
}

/**
 * git-config(1), for the system. Inputs belong to somebody of the host, who is seldom the build user, and git refuses a repository of another
 * user. Whoever wrote the spec has said that the build may use it. Git of FreeBSD's ports reads /usr/local/etc/gitconfig in its place.
 */
export const gitconfigText = '[safe]\n\tdirectory = *\n'

/** nsswitch.conf(5): files for all, and DNS after them for hosts, which answers where there is a network and a resolver. */
export function nsswitchText(platform: NodeJS.Platform): string {
  const lines = customsOf(platform).databases.map((name) => [`${name}:`, 'files'])
  return linesOf([...lines, ['hosts:', 'files', 'dns']], ' ')
}

/** resolv.conf(5): the resolver of a network of names (native code has its address too). */
export const resolvText = 'nameserver 127.0.0.53\noptions timeout:2 attempts:2\n'

export function shellsText(platform: NodeJS.Platform): string {
  return linesOf(customsOf(platform).shells.map((shell) => [shell]), '')
}

/** protocols(5), by the numbers of IANA: those that programs look up. */
export const protocolsText: string = linesOf(
  [
    ['ip', 0, 'IP'], ['icmp', 1, 'ICMP'], ['igmp', 2, 'IGMP'], ['tcp', 6, 'TCP'], ['udp', 17, 'UDP'], ['ipv6', 41, 'IPv6'],
    ['gre', 47, 'GRE'], ['esp', 50, 'ESP'], ['ah', 51, 'AH'], ['ipv6-icmp', 58, 'IPv6-ICMP'], ['sctp', 132, 'SCTP'],
    ['udplite', 136, 'UDPLite'],
  ],
  ' ',
)

/** TCP and UDP apart: imaps, for example, is a service of TCP alone. */
const services: Readonly<Record<'tcp' | 'udp', Readonly<Record<string, readonly [port: number, ...others: string[]]>>>> = {
  tcp: {
    echo: [7], discard: [9], daytime: [13], 'ftp-data': [20], ftp: [21], ssh: [22], telnet: [23], smtp: [25, 'mail'], time: [37], domain: [53],
    http: [80, 'www'], kerberos: [88], pop3: [110], sunrpc: [111, 'portmapper'], imap2: [143, 'imap'], snmp: [161], irc: [194], ldap: [389],
    https: [443], submissions: [465], shell: [514], printer: [515], submission: [587], ldaps: [636], domains: [853, 'domain-s'], rsync: [873],
    imaps: [993], pop3s: [995], socks: [1080], 'ms-sql-s': [1433], mqtt: [1883], nfs: [2049], mysql: [3306], svn: [3690], postgresql: [5432],
    amqp: [5672], x11: [6000], redis: [6379], 'http-alt': [8080], 'git-server': [9418, 'git'],
  },
  udp: {
    echo: [7], discard: [9], daytime: [13], time: [37], domain: [53], kerberos: [88], sunrpc: [111, 'portmapper'], ntp: [123], snmp: [161],
    ldap: [389], https: [443], syslog: [514], ldaps: [636], domains: [853, 'domain-s'], nfs: [2049],
  },
}

/** services(5), by the numbers of IANA: those that programs and their tests look up. */
export const servicesText: string = linesOf(
  Object.entries(services).flatMap(([protocol, named]) => Object.entries(named).map(([name, [port, ...others]]) => [name, `${port}/${protocol}`, ...others])),
  ' ',
)
