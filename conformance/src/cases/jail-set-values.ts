import { JAIL_CREATE, JAIL_UPDATE } from 'buildjail/freebsd'

import { group, refuses, shows, source, type Entry, type Group } from '../case.ts'

const { set } = source
const errors = 'jail(2), ERRORS'
const text = (length: number): string => 'x'.repeat(length)
const bytes = (words: string): Uint8Array => Buffer.from(words)

/** A value of another size, of a parameter that is a number. */
const sizes: readonly Entry[] = ['jid', 'securelevel', 'children.max', 'enforce_statfs', 'devfs_ruleset', 'ip4', 'host', 'host.hostid', 'osreldate'].map((name) =>
  refuses(`size-of-${name}`, `${name} with a value of three bytes`, 'EINVAL', [errors, set], (on) => on.set({ [name]: bytes('abc') })),
)

const unended: readonly Entry[] = ['name', 'path', 'host.hostname', 'host.domainname', 'host.hostuuid', 'osrelease'].flatMap((name) => [
  refuses(`no-nul-in-${name}`, `${name} without a NUL at its end`, 'EINVAL', [errors, set], (on) => on.set({ [name]: bytes('ab') })),
  refuses(`empty-${name}`, `${name} of no bytes at all`, 'EINVAL', [errors, set], (on) => on.set({ [name]: new Uint8Array() })),
])

const unchangeable: readonly Entry[] = (
  [
    ['path', '/', 'path cannot be changed after creation'],
    ['osrelease', '1', 'osrelease cannot be changed after creation'],
    ['osreldate', 1, 'osreldate cannot be changed after creation'],
    ['ip4', 'disable', 'ip4 cannot be changed after creation'],
    ['ip6', 'disable', 'ip6 cannot be changed after creation'],
    ['vnet', 'new', 'vnet cannot be changed after creation'],
  ] as const
).map(([name, value, detail]) =>
  refuses(`update-${name}`, `${name} of a jail that is there`, `EINVAL: ${detail}`, [set], (on) => {
    on.set()
    on.set({ path: undefined, [name]: value }, JAIL_UPDATE)
  }),
)

/** Answered, and not taken. */
const readOnly: readonly Entry[] = ['parent', 'children.cur', 'cpuset.id', 'dying', 'lastjid'].map((name) =>
  refuses(`read-only-${name}`, `${name} can only be read`, `EINVAL: unknown parameter: ${name}`, [`jail(8), ${name}`, set], (on) => on.set({ [name]: name === 'dying' ? null : 1 })),
)

export const jailSetValues: Group = group('set-values', 'jail_set: values', [
  ...sizes,
  ...unended,
  ...unchangeable,
  ...readOnly,
  refuses('unknown', 'a parameter that is none', 'EINVAL: unknown parameter: no.such', [errors, set], (on) => on.set({ 'no.such': 1 })),
  refuses('unknown-flag', 'a permission that is none', 'EINVAL: unknown parameter: allow.nosuch', [errors, set], (on) => on.set({ 'allow.nosuch': null })),
  refuses('statfs-3', 'enforce_statfs above 2', 'EINVAL', [errors, set], (on) => on.set({ enforce_statfs: 3 })),
  refuses('statfs-minus', 'enforce_statfs below 0', 'EINVAL', [errors, set], (on) => on.set({ enforce_statfs: -1 })),
  refuses('ruleset-65536', 'devfs_ruleset above 65535', 'EINVAL', [errors, set], (on) => on.set({ devfs_ruleset: 65_536 })),
  refuses('ruleset-minus', 'devfs_ruleset below 0', 'EINVAL', [errors, set], (on) => on.set({ devfs_ruleset: -1 })),
  shows('ruleset-unknown', 'devfs_ruleset of a ruleset that is not there is taken', 64_999, ['jail(8), devfs_ruleset', set], (on) => {
    on.set({ devfs_ruleset: 64_999 })
    return on.get('devfs_ruleset')
  }),
  refuses('host-disable', 'host cannot be disabled', 'EINVAL', ['jail(8), host', set], (on) => on.set({ host: 'disable' })),
  refuses('ip4-3', 'ip4 of no mode there is', 'EINVAL', ['jail(8), ip4', set], (on) => on.set({ ip4: Buffer.from([3, 0, 0, 0]) })),
  refuses('osreldate-0', 'osreldate of 0', 'EINVAL: osreldate cannot be 0', [set], (on) => on.set({ osreldate: 0 })),
  refuses('name-256', 'a name of 256 characters', 'ENAMETOOLONG', [errors, set], (on) => on.set({ name: text(256) })),
  shows('name-255', 'a name of 255 characters', 255, [set], (on) => {
    const jid = on.set({ name: `${on.name}${text(255 - on.name.length)}` })
    return String(on.get('name', { jid })).length
  }),
  refuses('hostname-256', 'a host.hostname of 256 characters', 'ENAMETOOLONG', [errors, set], (on) => on.set({ 'host.hostname': text(256) })),
  refuses('domainname-256', 'a host.domainname of 256 characters', 'ENAMETOOLONG', [errors, set], (on) => on.set({ 'host.domainname': text(256) })),
  refuses('hostuuid-64', 'a host.hostuuid of 64 characters', 'ENAMETOOLONG', [errors, set], (on) => on.set({ 'host.hostuuid': text(64) })),
  refuses('osrelease-31', 'an osrelease of 31 characters, which its NUL makes 32', 'ENAMETOOLONG: osrelease string must be 1-31 bytes long', [errors, set], (on) => on.set({ osrelease: text(31) })),
  shows('osrelease-30', 'an osrelease of 30 characters', text(30), [set], (on) => {
    on.set({ osrelease: text(30) })
    return on.get('osrelease')
  }),
  refuses('path-missing', 'a path that is not there', 'ENOENT', ['jail(2), ERRORS (chroot(2))', set], (on) => on.set({ path: '/no/such' })),
  refuses('path-of-a-file', 'a path of a file', 'ENOTDIR', ['chroot(2), ERRORS', set], (on) => on.set({ path: '/etc/passwd' })),
  refuses('path-too-long', 'a path with a name of 256 characters', 'ENAMETOOLONG', ['chroot(2), ERRORS', set], (on) => on.set({ path: `/${text(256)}` })),
  refuses('ip4-half', 'ip4.addr of three bytes', 'EINVAL', [errors, set], (on) => on.set({ 'ip4.addr': bytes('abc') })),
  refuses('ip6-half', 'ip6.addr of fifteen bytes', 'EINVAL', [errors, set], (on) => on.set({ 'ip6.addr': bytes(text(15)) })),
  refuses('ip4-twice', 'the same address of IPv4 twice', 'EINVAL', ['sys/kern/kern_jail.c:prison_ip_copyin'], (on) => on.set({ 'ip4.addr': ['192.0.2.1', '192.0.2.2', '192.0.2.1'] })),
  refuses('ip4-any', 'the address 0.0.0.0', 'EINVAL', ['sys/kern/kern_jail.c:prison_ip_copyin'], (on) => on.set({ 'ip4.addr': ['0.0.0.0'] })),
  refuses('ip4-broadcast', 'the address 255.255.255.255', 'EINVAL', ['sys/kern/kern_jail.c:prison_ip_copyin'], (on) => on.set({ 'ip4.addr': ['255.255.255.255'] })),
  refuses('ip6-any', 'the address ::', 'EINVAL', ['sys/kern/kern_jail.c:prison_ip_copyin'], (on) => on.set({ 'ip6.addr': ['::'] })),
  refuses('ip4-256', '256 addresses of IPv4, one more than security.jail.jail_max_af_ips', 'EINVAL: too many IPv4 addresses', [set], (on) =>
    on.set({ 'ip4.addr': Array.from({ length: 256 }, (_, index) => `198.18.${index}.1`) })),
  refuses('clash', 'an address of another jail, where one of the two has more than that', 'EADDRINUSE: IPv4 addresses clash', ['jail(8), ip4.addr', set], (on) => {
    on.set({ 'ip4.addr': ['192.0.2.1', '192.0.2.2'] })
    on.set({ name: `${on.name}-second`, 'ip4.addr': ['192.0.2.1'] })
  }),
  shows('no-clash', 'two jails may have one same address, and no other', true, ['jail(8), ip4.addr', set], (on) => {
    on.set({ 'ip4.addr': ['192.0.2.1'] })
    return on.set({ name: `${on.name}-second`, 'ip4.addr': ['192.0.2.1'] }) > 0
  }),
  refuses('vnet-with-addresses', 'a network stack of its own, and addresses', 'EINVAL: vnet jails cannot have IP address restrictions', [set], (on) => on.set({ vnet: 'new', 'ip4.addr': ['192.0.2.1'] }), { needs: ['vnet'] }),
  refuses('vnet-with-ip4', 'a network stack of its own, and ip4', 'EINVAL: vnet jails cannot have IP address restrictions', [set], (on) => on.set({ vnet: 'new', ip4: 'disable' }), { needs: ['vnet'] }),
  shows('last-of-two', 'of a permission and its negation the last one holds', [false, true], ['sys/kern/vfs_mount.c:vfs_sanitizeopts'], (on) => {
    const of = (name: string, first: string, second: string): boolean => {
      const jid = on.set({ name: `${on.name}-${name}`, [first]: null, [second]: null })
      return on.get('allow.chflags', { jid }) === true
    }
    return [of('off', 'allow.chflags', 'allow.nochflags'), of('on', 'allow.nochflags', 'allow.chflags')]
  }),
  shows('flag-with-a-value', 'what a flag has for a value is not looked at', true, ['jail(2), DESCRIPTION', 'sys/kern/vfs_mount.c:vfs_flagopt'], (on) => {
    on.set({ 'allow.chflags': bytes('0\0') }, JAIL_CREATE)
    return on.get('allow.chflags')
  }),
])
