import { closeSync, openSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { forkSteps } from 'buildjail/freebsd'

import { group, refuses, shows, type Group } from '../case.ts'
import type { Context } from '../context.ts'

const attach = 'sys/kern/kern_jail.c:do_jail_attach'
const about = 'jail(2), DESCRIPTION, jail_attach'

/** Another root, with the host's programs in it, and a folder where it has a file and the host has none. */
async function rootWith(on: Context): Promise<{ readonly root: string; readonly inRoot: string }> {
  const root = await on.nullfs('/')
  const inRoot = on.scratch()
  writeFileSync(path.join(await on.tmpfs({ fspath: path.join(root, inRoot) }), 'here'), '')
  return { root, inRoot }
}

export const jailAttach: Group = group('attach', 'jail_attach, and what is in a jail', [
  refuses('open-directory', 'with a directory open', 'EPERM', ['jail(2), ERRORS', 'chroot(2), ERRORS'], async (on) => {
    const fd = openSync('/', 'r')
    try {
      await on.start({ jid: on.set() }, ['/usr/bin/true'], { stdio: [fd, 'ignore', 'ignore'] })
    } finally {
      closeSync(fd)
    }
  }),
  shows('open-file', 'with a file open', 0, ['chroot(2), ERRORS'], async (on) => {
    const fd = openSync('/etc/passwd', 'r')
    try {
      return (await (await on.start({ jid: on.set() }, ['/usr/bin/true'], { stdio: [fd, 'ignore', 'ignore'] })).ended).exitCode
    } finally {
      closeSync(fd)
    }
  }),
  shows('of-a-user', 'an ordinary user', ['EPERM'], ['jail(2), ERRORS', 'sys/kern/kern_jail.c:sys_jail_attach'], (on) =>
    on.callsOfUser([['spawnInJailSync', { jid: on.set() }, ['/usr/bin/true'], { without: forkSteps.filter((step) => step !== 'attach') }]])),
  shows('root-and-cwd', 'it changes the root and the working directory', '/ here', [about], async (on) => {
    const { root, inRoot } = await rootWith(on)
    const inside = await on.start({ jid: on.set({ path: root }) }, ['/bin/sh', '-c', `echo "$(pwd) $(cd ${inRoot}; echo *)"`], { without: ['cwd'] })
    return (await inside.output()).stdout.trim()
  }),
  shows('nothing-above', 'above the root there is nothing', '/ here', ['chroot(2)'], async (on) => {
    const { root, inRoot } = await rootWith(on)
    return on.inside({ jid: on.set({ path: root }) }, `cd /../../.. && echo "$(pwd) $(cd ..${inRoot}; echo *)"`)
  }),
  shows('jid-of-process', 'the process has the jid of the jail', true, ['ps(1), jid', attach], async (on) => {
    const jid = on.set()
    const { pid } = await on.start({ jid }, ['/bin/sleep', '1000'])
    return Number(await on.outside(`ps -o jid= -p ${pid}`)) === jid
  }),
  shows('jailed', 'it knows that it is in a jail', '1', ['jail(8), sysctl MIB Entries'], (on) => on.inside({ jid: on.set() }, 'sysctl -n security.jail.jailed')),
  shows('host-processes', 'it sees no process of the host', 'ESRCH', ['sys/kern/kern_jail.c:prison_check'], (on) => on.inside({ jid: on.set() }, 'kill -0 1')),
  shows('processes-below', 'it sees the processes of jails below it', '', ['jail(8), Hierarchical Jails'], async (on) => {
    const jid = on.set({ 'children.max': 1 })
    const { pid } = await on.start({ jid: on.set({ name: `${on.name}.below` }) }, ['/bin/sleep', '1000'])
    return on.inside({ jid }, `kill -0 ${pid}`)
  }),
  shows('processes-beside', 'it sees no process of a jail beside it', 'ESRCH', ['sys/kern/kern_jail.c:prison_check'], async (on) => {
    const { pid } = await on.start({ jid: on.set({ name: `${on.name}-second` }) }, ['/bin/sleep', '1000'])
    return on.inside({ jid: on.set() }, `kill -0 ${pid}`)
  }),
  shows('no-modules', 'its root loads no module', 'EPERM', ['sys/kern/kern_jail.c:prison_priv_check'], (on) => on.inside({ jid: on.set() }, 'kldload if_disc')),
  shows('no-sysctl', 'its root sets no sysctl of the system', 'EPERM', ['sys/kern/kern_jail.c:prison_priv_check'], (on) => on.inside({ jid: on.set() }, 'sysctl kern.maxprocperuid=$(sysctl -n kern.maxprocperuid)')),
  shows('no-devices', 'its root makes no device', 'EPERM', ['sys/kern/kern_jail.c:prison_priv_check', 'mknod(2), ERRORS'], async (on) => {
    const place = await on.tmpfs()
    return on.inside({ jid: on.set() }, `mknod ${place}/null c 0 3`)
  }),
  shows('owns-files', 'its root may give files away', '1234:4321', ['sys/kern/kern_jail.c:prison_priv_check'], (on) => {
    const place = on.scratch()
    return on.inside({ jid: on.set() }, `touch ${place}/f && chown 1234:4321 ${place}/f && stat -f %u:%g ${place}/f`)
  }),
])
