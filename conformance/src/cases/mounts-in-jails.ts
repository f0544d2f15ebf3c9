import { group, shows, type Entry, type Group, type Need } from '../case.ts'

/** A file system that a jail may mount, with what it is mounted from. */
const mountable: readonly (readonly [type: string, from: string, needs: readonly Need[]])[] = [
  ['tmpfs', 'tmpfs', []],
  ['nullfs', '/bin', ['file system nullfs']],
  ['devfs', 'devfs', []],
  ['procfs', 'proc', ['parameter allow.mount.procfs']],
  ['fdescfs', 'fdesc', ['parameter allow.mount.fdescfs']],
]

function casesOf([type, from, needs]: (typeof mountable)[number]): readonly Entry[] {
  const permission = `allow.mount.${type}`
  const cites = [`jail(8), ${permission}`, 'sys/kern/vfs_mount.c:vfs_domount_first']
  const attempt = (name: string, title: string, expected: string, parameters: Readonly<Record<string, boolean | number>>): Entry =>
    shows(`${type}-${name}`, `${type} in a jail ${title}`, expected, cites, async (on) => {
      const place = on.scratch()
      const jid = on.set(parameters)
      const said = await on.inside({ jid }, `mount -t ${type} ${from} ${place} && echo mounted`)
      return said === 'mounted' ? on.typeOf(place) : said
    }, { needs })
  return [
    attempt('allowed', `with allow.mount, ${permission} and enforce_statfs 1`, type, { 'allow.mount': true, [permission]: true, enforce_statfs: 1 }),
    attempt('not-its-own', `without ${permission}`, 'EPERM', { 'allow.mount': true, enforce_statfs: 1 }),
    attempt('not-at-all', 'without allow.mount', 'EPERM', { [permission]: true, enforce_statfs: 1 }),
    attempt('statfs-2', 'with enforce_statfs 2', 'EPERM', { 'allow.mount': true, [permission]: true, enforce_statfs: 2 }),
  ]
}

const allowed = { 'allow.mount': true, 'allow.mount.tmpfs': true, enforce_statfs: 1 }

export const mountsInJails: Group = group('mounts-in-jails', 'mounting in a jail', [
  ...mountable.flatMap(casesOf),
  shows('own-unmounted', 'a jail unmounts what it has mounted', false, ['jail(8), allow.mount'], async (on) => {
    const place = on.scratch()
    await on.inside({ jid: on.set(allowed) }, `mount -t tmpfs tmpfs ${place} && umount ${place}`)
    return on.isMounted(place)
  }),
  shows('of-the-host', 'and nothing that the host has mounted', 'EPERM', ['sys/kern/vfs_mount.c:dounmount', 'sys/kern/vfs_subr.c:vfs_suser'], async (on) => {
    const place = await on.tmpfs()
    return on.inside({ jid: on.set(allowed) }, `umount ${place}`)
  }),
  shows('not-on-its-root', 'a jail mounts nothing on its own root', 'EPERM', ['sys/kern/vfs_mount.c:vfs_domount_first'], async (on) => {
    const root = await on.nullfs('/')
    return on.inside({ jid: on.set({ ...allowed, path: root }) }, 'mount -t tmpfs tmpfs /')
  }),
  shows('ruleset-other', 'a jail mounts devfs with no other ruleset than its own', 'EPERM', ['jail(8), devfs_ruleset', 'sys/fs/devfs/devfs_vfsops.c:devfs_mount'], async (on) => {
    const ruleset = await on.ruleset([{ isShown: true }])
    return on.inside({ jid: on.set({ 'allow.mount': true, 'allow.mount.devfs': true, enforce_statfs: 1, devfs_ruleset: ruleset.number }) }, `mount -t devfs -o ruleset=4 devfs ${on.scratch()}`)
  }),
  shows('ruleset-own', 'devfs in a jail has the ruleset of the jail', 'null', ['jail(8), devfs_ruleset'], async (on) => {
    const ruleset = await on.ruleset([{ isShown: false }, { path: 'null', isShown: true }])
    const place = on.scratch()
    return on.inside({ jid: on.set({ 'allow.mount': true, 'allow.mount.devfs': true, enforce_statfs: 1, devfs_ruleset: ruleset.number }) }, `mount -t devfs devfs ${place} && ls ${place}`)
  }),
])
