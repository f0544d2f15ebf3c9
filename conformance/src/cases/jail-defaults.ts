import { group, shows, source, type Entry, type Group, type Need } from '../case.ts'
import type { Seen } from '../seen.ts'

const { set } = source

/** Of a new jail in the host of which only name, path and persist are given. */
const defaults: readonly (readonly [name: string, expected: Seen, cites: readonly string[], needs?: readonly Need[]])[] = [
  ['persist', true, ['jail(8), persist']],
  ['path', '/', ['jail(8), path']],
  ['parent', 0, ['jail(8), parent']],
  ['dying', false, ['jail(8), dying']],
  ['children.max', 0, ['jail(8), children.max']],
  ['children.cur', 0, ['jail(8), children.cur']],
  ['enforce_statfs', 2, ['jail(8), enforce_statfs', set]],
  ['devfs_ruleset', 0, ['jail(8), devfs_ruleset', set]],
  ['host', 'new', [set]],
  ['host.hostname', '', [set]],
  ['host.domainname', '', [set]],
  ['host.hostuuid', '00000000-0000-0000-0000-000000000000', [set, 'sys/sys/jail.h:DEFAULT_HOSTUUID']],
  ['host.hostid', '0', [set]],
  ['vnet', 'inherit', ['jail(8), vnet', set], ['vnet']],
  ['ip4.addr', [], [set]],
  ['ip6.addr', [], [set]],
  ['ip4.saddrsel', true, ['jail(8), ip4.saddrsel', set]],
  ['ip6.saddrsel', true, ['jail(8), ip6.saddrsel', set]],
  ['sysvmsg', 'disable', ['jail(8), sysvmsg', 'sys/kern/sysv_msg.c:msg_prison_set'], ['parameter sysvmsg']],
  ['sysvsem', 'disable', ['jail(8), sysvsem', 'sys/kern/sysv_sem.c:sem_prison_set'], ['parameter sysvsem']],
  ['sysvshm', 'disable', ['jail(8), sysvshm', 'sys/kern/sysv_shm.c:shm_prison_set'], ['parameter sysvshm']],
  ['meta', '', ['jail(8), meta', 'sys/kern/kern_jailmeta.c'], ['jailMetadata']],
  ['env', '', ['jail(8), env', 'sys/kern/kern_jailmeta.c'], ['jailMetadata']],
]

export const jailDefaults: Group = group('defaults', 'a new jail: what was not said', [
  ...defaults.map(([name, expected, cites, needs = []]): Entry =>
    shows(name, `${name} of a new jail`, expected, cites, (on) => {
      on.set()
      return on.get(name)
    }, { needs })),
  shows('path-left-out', 'path: that of the caller', '/', [set], (on) => {
    on.set({ path: undefined })
    return on.get('path')
  }),
  shows('name-left-out', 'name: the jid', true, ['jail(8), name', set], (on) => {
    const name = '987650'
    on.note(name)
    return on.get('name', { jid: on.set({ name: undefined, jid: 987_650 }) }) === name
  }),
  shows('securelevel', 'securelevel: that of the jail above', true, ['jail(8), securelevel', set], async (on) => {
    on.set()
    return Number(await on.outside('sysctl -n kern.securelevel')) === on.get('securelevel')
  }),
  shows('osrelease', 'osrelease and osreldate: those of the system', true, ['jail(8), osrelease', set], async (on) => {
    on.set()
    return (await on.outside('echo $(sysctl -n kern.osrelease kern.osreldate)')) === `${String(on.get('osrelease'))} ${String(on.get('osreldate'))}`
  }),
  shows('no-network', 'no ip4 and ip6 said: neither can be used', ['EPROTONOSUPPORT', 'EPROTONOSUPPORT'], [set, 'sys/kern/kern_jail.c:prison_check_af', 'sys/kern/uipc_socket.c:socreate'], async (on) => {
    const jid = on.set({ 'allow.raw_sockets': true })
    return [await on.inside({ jid }, 'ping -4 -c 1 127.0.0.1'), await on.inside({ jid }, 'ping -6 -c 1 ::1')]
  }),
  shows('ip4-inherit', 'ip4 inherit: all addresses of the system', 'inherit', ['jail(8), ip4'], (on) => {
    on.set({ ip4: 'inherit' })
    return on.get('ip4')
  }),
  shows('ip4-addr-implies-new', 'ip4.addr implies ip4 new', ['new', ['192.0.2.1']], ['jail(8), ip4'], (on) => {
    on.set({ 'ip4.addr': ['192.0.2.1'] })
    return [on.get('ip4'), on.get('ip4.addr')]
  }, {
    deviation: {
      seen: ['disable', ['192.0.2.1']],
      because: 'new and disable are the same bit of a jail, and jail_get looks at disable first: which of the two it is, ip4.addr tells',
      cites: ['sys/kern/kern_jail.c:pr_flag_jailsys', source.get],
    },
  }),
  shows('ip6-addr-implies-new', 'ip6.addr implies ip6 new', ['new', ['2001:db8::1']], ['jail(8), ip6'], (on) => {
    on.set({ 'ip6.addr': ['2001:db8::1'] })
    return [on.get('ip6'), on.get('ip6.addr')]
  }, {
    deviation: { seen: ['disable', ['2001:db8::1']], because: 'as of ip4', cites: ['sys/kern/kern_jail.c:pr_flag_jailsys', source.get] },
  }),
  shows('host-implied', 'a hostname implies host new', 'new', ['jail(8), host'], (on) => {
    on.set({ 'host.hostname': 'a' })
    return on.get('host')
  }),
  shows('host-inherit', 'host inherit: the hostname is the system\'s', true, ['jail(8), host', set], async (on) => {
    on.set({ host: 'inherit' })
    return on.get('host.hostname') === (await on.outside('hostname'))
  }),
])
