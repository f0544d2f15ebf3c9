import type { RecordedKernel, RunRecord } from '../recording/run-record.ts'
import type { IdRangeRecord } from '../native/record.ts'
import { html, type Markup } from './html.ts'
import { code, facts, type Row, table } from './document.ts'

/** What each kind of namespace isolates (namespaces(7)). */
const kinds: Readonly<Record<string, string>> = {
  cgroup: 'where it sees itself among the control groups',
  ipc: 'System V IPC and POSIX message queues',
  mnt: 'mounts, and so the root',
  net: 'network interfaces, addresses, ports',
  pid: 'process numbers, and which processes it sees',
  time: 'clocks since boot',
  user: 'ids of users and groups, and privileges',
  uts: 'host name',
}

/** Fields that stand in other parts of the page. */
const elsewhere: ReadonlySet<string> = new Set(['limits', 'etc', 'path', 'devices', 'keep'])

/** What isolates the session from the host, as the kernel reports it. */
export function isolationSection({ kernel, plan }: RunRecord): Markup {
  const asked = facts(plan.facts.filter(([name, text]) => text !== '-' && !elsewhere.has(name)).map(([name, text]) => [name, code(text)]))
  if (kernel === undefined) return html`${asked}\n<p>The kernel could not be asked.</p>`
  return html`${asked}
${kernel.jail === undefined ? undefined : jailPart(kernel.jail)}
${kernel.namespaces === undefined ? undefined : namespacesPart(kernel.namespaces, kernel.hostNamespaces ?? {})}
${facts([...credentialsOf(kernel), ...idsOf(kernel)])}`
}

function jailPart(jail: NonNullable<RecordedKernel['jail']>): Markup {
  const parameters = Object.entries(jail).map(([name, value]) => [name, wordOf(value), jailDefault(name)] as const)
  const others = parameters.filter(([, value, usual]) => usual !== undefined && value !== String(usual))
  const same = parameters.filter(([, value, usual]) => usual === undefined || value === String(usual))
  const columns = [{ name: 'Parameter', style: 'code' }, { name: 'Here', style: 'code' }, { name: 'By default', style: 'code' }] as const
  return html`<h3>Jail parameters that differ from the default</h3>
${table('Jail parameters that differ from the default', columns, others.map(([name, value, usual]): Row => [name, value, wordOf(usual ?? '')]))}
<details><summary>The other ${same.length}: as by default, or of each jail’s own</summary>
${table('The other jail parameters', columns.slice(0, 2), same.map(([name, value]): Row => [name, value]))}</details>`
}

function wordOf(value: string | number | boolean | readonly string[]): string {
  if (typeof value === 'object') return value.join(' ')
  return String(value)
}

function namespacesPart(inside: Readonly<Record<string, number>>, host: Readonly<Record<string, number>>): Markup {
  const rows = Object.entries(inside)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([kind, number]): Row => {
      const own = host[kind] === undefined ? 'unknown' : host[kind] === number ? 'the host’s' : 'its own'
      return [kind, kinds[kind] ?? '', html`<strong class="${own === 'its own' ? 'good' : 'plain'}">${own}</strong>`, String(number), host[kind] === undefined ? '' : String(host[kind])]
    })
  const columns = [{ name: 'Namespace', style: 'code' }, { name: 'Of what' }, { name: 'Whose' }, { name: 'Number', style: 'number' }, { name: 'The host’s', style: 'number' }] as const
  return html`<h3>Namespaces</h3>\n${table('Namespaces', columns, rows)}`
}

function credentialsOf({ process, user }: RecordedKernel): (readonly [string, string])[] {
  if (process === undefined) return user === undefined ? [] : [['Build user', `uid ${user.uid}, gid ${user.gid}`]]
  const { uid, gid, groups, jid, systemCallFilters } = process
  return [
    ['The command ran as', `uid ${uid}, gid ${gid}${groups.length === 0 ? '' : `, groups ${groups.join(' ')}`}`],
    ...(jid === undefined ? [] : [['In the jail', String(jid)] as const]),
    ...(systemCallFilters === undefined ? [] : [['Filters of its system calls', String(systemCallFilters)] as const]),
  ]
}

function idsOf({ ids }: RecordedKernel): (readonly [string, string])[] {
  if (ids === undefined) return []
  return [['Users', rangesText(ids.users)], ['Groups', rangesText(ids.groups)]]
}

function rangesText(ranges: readonly IdRangeRecord[]): string {
  return ranges
    .map(({ inside, outside, count }) => (count === 1 ? `${inside} is ${outside} of the host` : `${inside} to ${inside + count - 1} are ${outside} to ${outside + count - 1} of the host`))
    .join('; ')
}

/** The parameters of a jail that was made with a path and nothing else (jail(8), kern_jail.c of FreeBSD 15). */
const defaults: Readonly<Record<string, string | number | boolean>> = {
  persist: false,
  enforce_statfs: 2,
  devfs_ruleset: 0,
  'children.max': 0,
  'children.cur': 0,
  host: 'new',
  'host.hostname': '',
  'host.domainname': '',
  'host.hostid': 0,
  'host.hostuuid': '00000000-0000-0000-0000-000000000000',
  ip4: 'disable',
  ip6: 'disable',
  'ip4.saddrsel': true,
  'ip6.saddrsel': true,
  vnet: 'inherit',
  sysvmsg: 'disable',
  sysvsem: 'disable',
  sysvshm: 'disable',
  securelevel: -1,
  linux: 'new',
  zfs: 'disable',
  'mac.do': 'disable',
  dying: false,
  meta: '',
  env: '',
  parent: 0,
  'allow.set_hostname': true,
  'allow.reserved_ports': true,
  'allow.unprivileged_proc_debug': true,
  'allow.suser': true,
}

/** Parameters that differ for every jail, so they have no default. */
const own: ReadonlySet<string> = new Set(['jid', 'name', 'path', 'cpuset.id', 'osrelease', 'osreldate', 'ip4.addr', 'ip6.addr', 'linux.osname', 'linux.osrelease', 'linux.oss_version'])

/** Undefined if the parameter has no default: it is the jail's own or the host's. Unlisted `allow.*` parameters are false. */
export function jailDefault(name: string): string | number | boolean | undefined {
  if (own.has(name)) return undefined
  return defaults[name] ?? (name.startsWith('allow.') ? false : undefined)
}
