import { writeFileSync } from 'node:fs'
import path from 'node:path'

import { MNT_BYFSID, MNT_FORCE, jailRemoveSync, mountTableSync, nmountSync, statfsSync, unmountSync } from 'buildjail/freebsd'

import { group, refuses, shows, source, type Group } from '../case.ts'
import { isKnownAs } from './dying.ts'

const { unmount: call } = source
const errors = 'unmount(2), ERRORS'

export const unmount: Group = group('unmount', 'unmount', [
  refuses('nothing', 'a folder where nothing is mounted', 'EINVAL', [errors, call], (on) => unmountSync(on.scratch())),
  refuses('missing', 'a path that is not there', 'EINVAL', [errors, call], (on) => unmountSync(path.join(on.scratch(), 'no'))),
  refuses('below', 'a folder in what is mounted', 'EINVAL', [errors, call], async (on) => {
    const place = await on.tmpfs()
    await on.outside(`mkdir ${place}/x`)
    unmountSync(path.join(place, 'x'))
  }),
  refuses('root', 'the root file system', 'EINVAL', [errors, call], () => unmountSync('/')),
  refuses('too-long', 'a path of 1100 characters', 'ENAMETOOLONG', [errors, call], () => unmountSync(`/${'x'.repeat(1100)}`)),
  refuses('no-fsid', 'MNT_BYFSID of an FSID that is not there', 'ENOENT', [errors, call], () => unmountSync('FSID:12345:67890', MNT_BYFSID)),
  refuses('half-an-fsid', 'MNT_BYFSID of what is none', 'EINVAL', [errors, call], () => unmountSync('FSID:12345', MNT_BYFSID)),
  refuses('path-as-fsid', 'MNT_BYFSID of a path', 'EINVAL', [errors, call], async (on) => unmountSync(await on.tmpfs(), MNT_BYFSID)),
  shows('of-a-user', 'an ordinary user', ['EPERM'], [errors, call], async (on) => on.callsOfUser([['unmountSync', await on.tmpfs()]])),
  refuses('open-file', 'while a file is open', 'EBUSY', [errors], async (on) => {
    const place = await on.tmpfs()
    writeFileSync(path.join(place, 'f'), '')
    await on.startOutside(['/bin/sh', '-c', `exec < ${place}/f; exec sleep 1000`])
    await on.until(async () => (await on.outside(`fstat -f ${place} | grep -c ' sleep '; true`)) !== '0')
    unmountSync(place)
  }),
  refuses('working-directory', 'while a process is in it', 'EBUSY', [errors], async (on) => {
    const place = await on.tmpfs()
    await on.startOutside(['/bin/sleep', '1000'], { cwd: place })
    unmountSync(place)
  }),
  shows('force', 'MNT_FORCE while a process is in it', ['done', false], ['unmount(2), MNT_FORCE'], async (on) => {
    const place = await on.tmpfs()
    await on.startOutside(['/bin/sleep', '1000'], { cwd: place })
    return [await on.refusal(() => unmountSync(place, MNT_FORCE)), on.isMounted(place)]
  }),
  refuses('root-of-a-jail', 'the root of a jail', 'EBUSY', [errors, 'sys/kern/kern_jail.c:kern_jail_set (pr_root)'], async (on) => {
    const place = await on.tmpfs()
    on.set({ path: place })
    unmountSync(place)
  }),
  shows('root-of-a-dead-jail', 'the root of a jail that is gone', 'done', ['sys/kern/kern_jail.c:prison_deref'], async (on) => {
    const place = await on.tmpfs()
    const jid = on.set({ path: place })
    jailRemoveSync(jid)
    await on.until(() => !isKnownAs(jid))
    return on.refusal(() => unmountSync(place))
  }),
  shows('last', 'of two on one folder the last one goes', 1, [call], async (on) => {
    const place = await on.tmpfs({ size: '1m' })
    nmountSync({ fstype: 'tmpfs', fspath: place, size: '2m' })
    unmountSync(place)
    return Number(statfsSync(place).blocks * statfsSync(place).blockSize) / 1024 / 1024
  }),
  shows('first-by-fsid', 'by its FSID the one that is covered goes', ['EBUSY', 1], ['unmount(2), MNT_BYFSID', 'sys/kern/vfs_mount.c:dounmount'], async (on) => {
    const place = await on.tmpfs()
    const { fsid } = statfsSync(place)
    nmountSync({ fstype: 'tmpfs', fspath: place })
    // The one above is mounted on its root and holds it.
    const covered = await on.refusal(() => unmountSync(fsid))
    unmountSync(place)
    return [covered, mountTableSync().filter((entry) => entry.on === place).length]
  }),
  refuses('under-nullfs', 'a file system that a nullfs was mounted from', 'EBUSY', ['sys/kern/vfs_mount.c:dounmount (mnt_uppers)'], async (on) => {
    const place = await on.tmpfs()
    await on.nullfs(place)
    unmountSync(place)
  }),
  refuses('under-nullfs-force', 'and with MNT_FORCE as well', 'EBUSY', ['sys/kern/vfs_mount.c:dounmount (mnt_uppers)'], async (on) => {
    const place = await on.tmpfs()
    await on.nullfs(place)
    unmountSync(place, MNT_FORCE)
  }),
])
