import { JAIL_UPDATE } from 'buildjail/freebsd'

import { group, refuses, shows, source, type Group } from '../case.ts'

const { set } = source
const below = (name: string): Readonly<Record<string, string | boolean>> => ({ name, path: '/', persist: true })
const hierarchy = 'jail(8), Hierarchical Jails'

export const nesting: Group = group('nesting', 'jails below jails, and what only gets stricter', [
  shows('limit', 'a jail makes as many below it as children.max says', [true, 'EPERM: prison limit exceeded'], ['jail(8), children.max', set], async (on) => {
    const jid = on.set({ 'children.max': 1 })
    const [first, second] = await on.calls({ jid }, [['jailSetSync', below('a'), 1], ['jailSetSync', below('b'), 1]])
    return [typeof first === 'number', second ?? null]
  }),
  shows('limit-0', 'with children.max 0 it makes none', ['EPERM'], ['jail(8), children.max', set], (on) => on.calls({ jid: on.set() }, [['jailSetSync', below('a'), 1]])),
  shows('limit-all', 'children.max counts those below those below it as well', ['EPERM: prison limit exceeded'], ['jail(8), children.max', set], (on) => {
    const jid = on.set({ 'children.max': 2 })
    on.set({ name: `${on.name}.a`, 'children.max': 1 })
    on.set({ name: `${on.name}.a.b` })
    return on.calls({ jid }, [['jailSetSync', below('c'), 1]])
  }),
  shows('host-over-limit', 'the host makes jails below one whose children.max is 0', 1, ['jail(8), children.max (allowed to be created by this jail)', set], (on) => {
    on.set()
    on.set({ name: `${on.name}.below` })
    return on.get('children.cur')
  }),
  refuses('limit-below', 'a jail below has a smaller children.max than the one above', 'EPERM', [set], (on) => {
    on.set({ 'children.max': 3 })
    on.set({ name: `${on.name}.below`, 'children.max': 3 })
  }),
  shows('limit-lowered', 'children.max that is lowered is lowered below as well', [1, 0, 0], [set], (on) => {
    on.set({ 'children.max': 5 })
    on.set({ name: `${on.name}.a`, 'children.max': 4 })
    on.set({ name: `${on.name}.a.b`, 'children.max': 3 })
    on.set({ path: undefined, 'children.max': 1 }, JAIL_UPDATE)
    return [on.name, `${on.name}.a`, `${on.name}.a.b`].map((name) => on.get('children.max', { name }))
  }),
  shows('max-and-cur', 'a jail knows its children.max and children.cur', '3 1', ['sysctl security.jail.children'], (on) => {
    const jid = on.set({ 'children.max': 3 })
    on.set({ name: `${on.name}.below` })
    return on.inside({ jid }, 'echo $(sysctl -n security.jail.children.max security.jail.children.cur)')
  }),
  refuses('statfs-below', 'enforce_statfs below a jail is not less than the jail\'s', 'EPERM', [set], (on) => {
    on.set({ 'children.max': 1, enforce_statfs: 1 })
    on.set({ name: `${on.name}.below`, enforce_statfs: 0 })
  }),
  shows('statfs-raised', 'enforce_statfs that is raised is raised below as well', 2, [set], (on) => {
    on.set({ 'children.max': 1, enforce_statfs: 0 })
    on.set({ name: `${on.name}.below`, enforce_statfs: 1 })
    on.set({ path: undefined, enforce_statfs: 2 }, JAIL_UPDATE)
    return on.get('enforce_statfs', { name: `${on.name}.below` })
  }),
  shows('statfs-of-the-host', 'a jail in the host may have any enforce_statfs again', 0, [set], (on) => {
    on.set({ enforce_statfs: 2 })
    on.set({ path: undefined, enforce_statfs: 0 }, JAIL_UPDATE)
    return on.get('enforce_statfs')
  }),
  shows('ruleset-below', 'devfs_ruleset is passed on to the jails below', 7, ['jail(8), devfs_ruleset', set], (on) => {
    on.set({ 'children.max': 1 })
    on.set({ name: `${on.name}.below` })
    on.set({ path: undefined, devfs_ruleset: 7 }, JAIL_UPDATE)
    return on.get('devfs_ruleset', { name: `${on.name}.below` })
  }),
  shows('ruleset-from-inside', 'a jail gives those below it no other devfs_ruleset than its own', ['EPERM'], [set], (on) =>
    on.calls({ jid: on.set({ 'children.max': 1, devfs_ruleset: 7 }) }, [['jailSetSync', { ...below('a'), devfs_ruleset: 8 }, 1]])),
  refuses('securelevel-below', 'the securelevel of a jail is not below that of the jail above', 'EPERM', ['jail(8), securelevel', set], (on) => {
    on.set({ 'children.max': 1, securelevel: 2 })
    on.set({ name: `${on.name}.below`, securelevel: 1 })
  }),
  shows('securelevel-raised', 'securelevel that is raised is raised below as well', 3, ['jail(8), securelevel', set], (on) => {
    on.set({ 'children.max': 1 })
    on.set({ name: `${on.name}.below` })
    on.set({ path: undefined, securelevel: 3 }, JAIL_UPDATE)
    return on.get('securelevel', { name: `${on.name}.below` })
  }),
  shows('securelevel-inherited', 'a new jail has the securelevel of the jail above', 2, ['jail(8), securelevel', set], (on) => {
    on.set({ 'children.max': 1, securelevel: 2 })
    on.set({ name: `${on.name}.below` })
    return on.get('securelevel', { name: `${on.name}.below` })
  }),
  shows('securelevel-lowered', 'the host lowers the securelevel of a jail again', 1, ['jail(8), securelevel', set], (on) => {
    on.set({ securelevel: 3 })
    on.set({ path: undefined, securelevel: 1 }, JAIL_UPDATE)
    return on.get('securelevel')
  }),
  shows('securelevel-inside', 'in the jail kern.securelevel is that of the jail, and is raised there', ['1', '2'], ['jail(8), securelevel', 'sys/kern/kern_mib.c:sysctl_kern_securelvl'], async (on) => {
    const jid = on.set({ securelevel: 1 })
    return [await on.inside({ jid }, 'sysctl -n kern.securelevel'), await on.inside({ jid }, 'sysctl -n kern.securelevel=2 > /dev/null && sysctl -n kern.securelevel')]
  }),
  shows('securelevel-not-lowered', 'and not lowered', 'EPERM', ['jail(8), securelevel', 'sys/kern/kern_mib.c:sysctl_kern_securelvl'], (on) => on.inside({ jid: on.set({ securelevel: 2 }) }, 'sysctl kern.securelevel=1')),
  shows('securelevel-flags', 'at securelevel 1 a system flag is not taken off', 'EPERM', ['security(7), Securing the Kernel'], async (on) => {
    const place = await on.tmpfs()
    await on.outside(`touch ${place}/f && chflags schg ${place}/f`)
    return on.inside({ jid: on.set({ securelevel: 1, 'allow.chflags': true }) }, `chflags noschg ${place}/f`)
  }),
  shows('addresses-below', 'a jail without addresses has none below it with addresses', ['EPERM'], [set], (on) =>
    on.calls({ jid: on.set({ 'children.max': 1 }) }, [['jailSetSync', { ...below('a'), 'ip4.addr': ['192.0.2.1'] }, 1]])),
  shows('addresses-other', 'a jail gives those below it no addresses that it has not', ['EPERM'], [hierarchy, set], (on) =>
    on.calls({ jid: on.set({ 'children.max': 1, 'ip4.addr': ['192.0.2.1'] }) }, [['jailSetSync', { ...below('a'), 'ip4.addr': ['192.0.2.3'] }, 1]])),
  shows('addresses-same', 'a jail gives those below it its one address', true, [hierarchy, set], async (on) => {
    const jid = on.set({ 'children.max': 1, 'ip4.addr': ['192.0.2.1'] })
    const [made] = await on.calls({ jid }, [['jailSetSync', { ...below('a'), 'ip4.addr': ['192.0.2.1'] }, 1]])
    return typeof made === 'number'
  }),
  shows('addresses-subset', 'of two addresses a jail gives those below it one', 'made', [hierarchy, 'sys/kern/kern_jail.c:prison_ip_parent_match'], async (on) => {
    const jid = on.set({ 'children.max': 1, 'ip4.addr': ['192.0.2.1', '192.0.2.2'] })
    const [made] = await on.calls({ jid }, [['jailSetSync', { ...below('a'), 'ip4.addr': ['192.0.2.2'] }, 1]])
    return typeof made === 'number' ? 'made' : (made ?? null)
  }, {
    deviation: {
      seen: 'EADDRINUSE: IPv4 addresses clash',
      because: 'the addresses are compared with those of every other jail, the one above among them, and only two jails of one address each may have the same',
      cites: ['sys/kern/kern_jail.c:prison_ip_conflict_check'],
    },
  }),
  shows('host-name-below', 'a hostname that is set goes to the jails below that have none of their own', ['outer', 'own'], [set], (on) => {
    on.set({ 'children.max': 2 })
    on.set({ name: `${on.name}.a`, host: 'inherit' })
    on.set({ name: `${on.name}.b`, 'host.hostname': 'own' })
    on.set({ path: undefined, 'host.hostname': 'outer' }, JAIL_UPDATE)
    return [on.get('host.hostname', { name: `${on.name}.a` }), on.get('host.hostname', { name: `${on.name}.b` })]
  }),
  shows('saddrsel-below', 'ip4.nosaddrsel is not inherited', [false, true], ['jail(8), ip4.saddrsel'], (on) => {
    on.set({ 'children.max': 1, 'ip4.saddrsel': false })
    on.set({ name: `${on.name}.below` })
    return [on.get('ip4.saddrsel'), on.get('ip4.saddrsel', { name: `${on.name}.below` })]
  }),
  shows('osrelease-below', 'osrelease and osreldate are inherited', ['1.2-X', 12], [set], (on) => {
    on.set({ 'children.max': 1, osrelease: '1.2-X', osreldate: 12 })
    on.set({ name: `${on.name}.below` })
    return [on.get('osrelease', { name: `${on.name}.below` }), on.get('osreldate', { name: `${on.name}.below` })]
  }),
  shows('osrelease-inside', 'uname(1) in the jail says osrelease, and -K osreldate', '1.2-X 12', ['jail(8), osrelease'], (on) => on.inside({ jid: on.set({ osrelease: '1.2-X', osreldate: 12 }) }, 'echo $(uname -r) $(uname -K)')),
])
