import { group, shows, type Group } from '../case.ts'
import type { Context } from '../context.ts'

const page = 'jail(8), enforce_statfs'
const can = 'sys/kern/kern_jail.c:prison_canseemount'
const enforce = 'sys/kern/kern_jail.c:prison_enforce_statfs'

/** A jail on a nullfs of the host's root, with a tmpfs on its /media; what it says to a script. */
async function said(on: Context, level: number, script: string): Promise<{ readonly root: string; readonly words: readonly string[] }> {
  const root = await on.nullfs('/')
  await on.tmpfs({ fspath: `${root}/media` })
  const jid = on.set({ path: root, enforce_statfs: level })
  const text = await on.inside({ jid }, script)
  return { root: on.masked(root), words: text === '' ? [] : text.split('\n') }
}

const places = "mount -p | awk '{ print $2 }'"

export const statfs: Group = group('statfs', 'enforce_statfs: which mounts a jail sees', [
  shows('level-0', '0: all of them, by their paths in the host', [true, true], [page, can], async (on) => {
    const { root, words } = await said(on, 0, places)
    return [words.includes(`${root}/media`), words.includes('/')]
  }),
  shows('level-1', '1: those at and below its root, by their paths in the jail', ['/', '/media'], [page, can], async (on) => (await said(on, 1, places)).words),
  shows('level-2', '2: that of its root alone', ['/'], [page, can], async (on) => (await said(on, 2, places)).words),
  shows('level-2-operate', '2: statfs works only on the mount of its root', ['ENOENT'], [page], async (on) => (await said(on, 2, "df -T /media | awk 'END { print $2 }'")).words, {
    deviation: {
      seen: ['tmpfs'],
      because: 'statfs(2) of a path on another mount succeeds: where it is mounted is then "[restricted]", and its type, source and sizes are told',
      cites: ['sys/kern/vfs_syscalls.c:kern_do_statfs', enforce],
    },
  }),
  shows('level-2-restricted', '2: where another one is mounted is not told', ['[restricted]'], [enforce], async (on) => (await said(on, 2, "df /media | awk 'END { print $6 }'")).words),
  shows('level-1-below', '1: where one below its root is mounted is told as the jail has it', ['/media'], [page, enforce], async (on) => (await said(on, 1, "df /media | awk 'END { print $6 }'")).words),
  shows('level-2-fsid', '2: the FSID is not told', ['0'], [enforce], async (on) => (await said(on, 2, 'mount -v | grep -c fsid; true')).words),
  shows('level-1-fsid', '1: the FSID is told', ['2'], [enforce], async (on) => (await said(on, 1, 'mount -v | grep -c fsid; true')).words),
  shows('from-not-told', '1: no path of the host is told', false, [page], async (on) => {
    const source = on.scratch()
    const root = await on.nullfs('/')
    await on.nullfs(source, 0, { fspath: `${root}/media` })
    const text = await on.inside({ jid: on.set({ path: root, enforce_statfs: 1 }) }, "mount -p | awk '{ print $1 }'")
    return text.split('\n').includes(on.masked(source))
  }, {
    deviation: {
      seen: true,
      because: 'only where it is mounted is changed for the jail: what it was mounted from (f_mntfromname) is told as it is, for nullfs the path of the source in the host',
      cites: [enforce],
    },
  }),
])
