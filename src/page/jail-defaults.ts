/** What a parameter is of a jail that was made with nothing but a path (jail(8), kern_jail.c of FreeBSD 15). */
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

/** Of a jail's own, whatever it was made with; there is nothing to compare them with. */
const own: ReadonlySet<string> = new Set(['jid', 'name', 'path', 'cpuset.id', 'osrelease', 'osreldate', 'ip4.addr', 'ip6.addr', 'linux.osname', 'linux.osrelease', 'linux.oss_version'])

/** Undefined where a parameter has no default: every jail has one of its own, or it is the host's. What is allowed is not, unless it is said. */
export function jailDefault(name: string): string | number | boolean | undefined {
  if (own.has(name)) return undefined
  return defaults[name] ?? (name.startsWith('allow.') ? false : undefined)
}
