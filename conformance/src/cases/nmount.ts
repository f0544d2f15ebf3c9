import { mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { MNT_NOEXEC, MNT_NOSUID, MNT_RDONLY, MNT_UPDATE, mountTableSync, nmountSync, statfsSync } from 'buildjail/freebsd'

import { group, refuses, shows, source, type Group } from '../case.ts'

const { nmount: call, mount, first } = source
const errors = 'nmount(2), ERRORS'
const bytes = (words: string): Uint8Array => Buffer.from(words)
/** Of a flag that a file system does not hear of. */
const byOption = 'tmpfs looks whether there is an option ro, and not at the flag: the mount is marked read-only, and the file system does not know'
const unknownType = 'EINVAL: Invalid fstype'

export const nmount: Group = group('nmount', 'nmount', [
  refuses('no-type', 'no fstype', unknownType, [call], (on) => on.mount({ fspath: on.scratch() })),
  refuses('no-path', 'no fspath', 'EINVAL: Invalid fspath', [call], (on) => on.mount({ fstype: 'tmpfs' })),
  refuses('type-without-nul', 'an fstype without a NUL at its end', unknownType, [call], (on) => on.mount({ fstype: bytes('tmpfs'), fspath: on.scratch() })),
  refuses('path-without-nul', 'an fspath without a NUL at its end', 'EINVAL: Invalid fspath', [call], (on) => on.mount({ fstype: 'tmpfs', fspath: bytes(on.scratch()) })),
  refuses('type-without-value', 'an fstype without a value', unknownType, [call], (on) => on.mount({ fstype: true, fspath: on.scratch() })),
  refuses('unknown-type', 'a file system that is none', unknownType, [call, 'sys/kern/vfs_init.c:vfs_byname_kld'], (on) => on.mount({ fstype: 'nosuchfs', fspath: on.scratch() })),
  refuses('type-16', 'an fstype of 16 characters, one more than MFSNAMELEN takes', 'ENAMETOOLONG', [call], (on) => on.mount({ fstype: 'x'.repeat(16), fspath: on.scratch() })),
  refuses('path-1024', 'an fspath of 1024 characters', 'ENAMETOOLONG', [errors, call], (on) => on.mount({ fstype: 'tmpfs', fspath: `/${'x/'.repeat(511)}x` })),
  refuses('component-256', 'a component of 256 characters', 'ENAMETOOLONG', [errors], (on) => on.mount({ fstype: 'tmpfs', fspath: path.join(on.scratch(), 'x'.repeat(256)) })),
  refuses('missing-path', 'an fspath that is not there', 'ENOENT', [errors], (on) => on.mount({ fstype: 'tmpfs', fspath: path.join(on.scratch(), 'no') })),
  refuses('below-a-file', 'an fspath below a file', 'ENOTDIR', [errors], (on) => {
    const file = path.join(on.scratch(), 'f')
    writeFileSync(file, '')
    on.mount({ fstype: 'tmpfs', fspath: path.join(file, 'x') })
  }),
  refuses('on-a-file', 'a tmpfs on a file', 'ENOTDIR', [first], (on) => {
    const file = path.join(on.scratch(), 'f')
    writeFileSync(file, '')
    on.mount({ fstype: 'tmpfs', fspath: file })
  }),
  refuses('loop', 'a symbolic link to itself', 'ELOOP', [errors], (on) => {
    const link = path.join(on.scratch(), 'link')
    symlinkSync(link, link)
    on.mount({ fstype: 'tmpfs', fspath: link })
  }),
  refuses('unknown-option', 'an option that the file system has not', 'EINVAL: mount option <nosuch> is unknown', ['sys/kern/vfs_mount.c:vfs_filteropt'], (on) => on.mount({ fstype: 'tmpfs', fspath: on.scratch(), nosuch: '1' })),
  shows('of-a-user', 'an ordinary user', ['EPERM'], [errors, mount, 'mount(8), vfs.usermount'], (on) => on.callsOfUser([['nmountSync', { fstype: 'tmpfs', fspath: on.scratch() }]])),
  refuses('nocover', 'nocover on what is mounted', 'EBUSY', [errors, mount], async (on) => on.mount({ fstype: 'tmpfs', fspath: await on.tmpfs(), nocover: true })),
  shows('cover', 'without nocover the last one covers', [false, 2], [mount], async (on) => {
    const place = await on.tmpfs()
    writeFileSync(path.join(place, 'under'), '')
    on.mount({ fstype: 'tmpfs', fspath: place })
    return [statSync(path.join(place, 'under'), { throwIfNoEntry: false }) !== undefined, mountTableSync().filter((entry) => entry.on === place).length]
  }),
  refuses('emptydir', 'emptydir on a folder with something in it', 'ENOTEMPTY', ['nmount(2), MNT_EMPTYDIR', first], (on) => {
    const place = on.scratch()
    mkdirSync(path.join(place, 'x'))
    on.mount({ fstype: 'tmpfs', fspath: place, emptydir: true })
  }),
  shows('emptydir-empty', 'emptydir on an empty folder', 'tmpfs', ['nmount(2), MNT_EMPTYDIR'], (on) => {
    const place = on.scratch()
    on.mount({ fstype: 'tmpfs', fspath: place, emptydir: true })
    return on.typeOf(place)
  }),
  shows('symbolic-link', 'a symbolic link is followed, and where it leads is what is mounted on', [true, false], [mount, 'sys/kern/vfs_cache.c:vn_path_to_global_path'], (on) => {
    const [place, folder] = [on.scratch(), on.scratch()]
    const link = path.join(folder, 'link')
    symlinkSync(place, link)
    on.mount({ fstype: 'tmpfs', fspath: link })
    return [on.isMounted(place), on.isMounted(link)]
  }),
  shows('not-normal', 'a path with . and .. is written down as what it is', [true], ['sys/kern/vfs_cache.c:vn_path_to_global_path'], (on) => {
    const place = on.scratch()
    on.mount({ fstype: 'tmpfs', fspath: `${place}/../${path.basename(place)}/.` })
    return [on.isMounted(place)]
  }),
  shows('flags', 'flags are seen by statfs', ['ro', 'noexec', 'nosuid'], ['nmount(2)', 'statfs(2)'], async (on) => {
    const { flags } = statfsSync(await on.tmpfs({}, MNT_RDONLY | MNT_NOEXEC | MNT_NOSUID))
    return ['ro', 'noexec', 'nosuid'].filter((flag) => flags.includes(flag))
  }),
  shows('options-as-flags', 'and so are options of the same names', ['ro', 'noexec', 'nosuid'], [call], async (on) => {
    const { flags } = statfsSync(await on.tmpfs({ ro: true, noexec: true, nosuid: true }))
    return ['ro', 'noexec', 'nosuid'].filter((flag) => flags.includes(flag))
  }),
  shows('read-only', 'nothing is written to what is mounted read-only', 'EROFS', ['nmount(2), MNT_RDONLY'], async (on) => {
    const place = await on.tmpfs({}, MNT_RDONLY)
    return on.refusal(() => writeFileSync(path.join(place, 'x'), ''))
  }),
  shows('noexec', 'nothing is executed from what is mounted noexec', 'EACCES', ['nmount(2), MNT_NOEXEC', 'execve(2), ERRORS'], async (on) => {
    const place = await on.tmpfs({}, MNT_NOEXEC)
    return on.outside(`cp /bin/sh ${place}/sh && ${place}/sh -c true`)
  }),
  shows('update', 'MNT_UPDATE with ro and noro makes a tmpfs read-only and writable again', ['EROFS', 'done'], ['nmount(2), MNT_UPDATE', source.tmpfs], async (on) => {
    const place = await on.tmpfs()
    const attempt = (): Promise<string> => on.refusal(() => writeFileSync(path.join(place, 'x'), ''))
    nmountSync({ fstype: 'tmpfs', fspath: place, ro: true }, MNT_UPDATE)
    const whileReadOnly = await attempt()
    nmountSync({ fstype: 'tmpfs', fspath: place, ro: false }, MNT_UPDATE)
    return [whileReadOnly, await attempt()]
  }),
  shows('update-by-flag', 'MNT_UPDATE with MNT_RDONLY makes a tmpfs read-only, and without it writable again', ['EROFS', 'done'], ['nmount(2), MNT_RDONLY'], async (on) => {
    const place = await on.tmpfs()
    const attempt = (): Promise<string> => on.refusal(() => writeFileSync(path.join(place, 'x'), ''))
    nmountSync({ fstype: 'tmpfs', fspath: place }, MNT_UPDATE | MNT_RDONLY)
    const whileReadOnly = await attempt()
    nmountSync({ fstype: 'tmpfs', fspath: place }, MNT_UPDATE)
    return [whileReadOnly, await attempt()]
  }, { deviation: { seen: ['EROFS', 'EROFS'], because: byOption, cites: [source.tmpfs, 'sys/kern/vfs_mount.c:vfs_domount_update'] } }),
  refuses('update-nothing', 'MNT_UPDATE where nothing is mounted', 'EINVAL', ['sys/kern/vfs_mount.c:vfs_domount_update'], (on) => on.mount({ fstype: 'tmpfs', fspath: on.scratch() }, MNT_UPDATE)),
  ...([['option', { ro: true }, 0], ['flag', {}, MNT_RDONLY]] as const).map(([how, options, flag]) =>
    refuses(`update-open-${how}`, `MNT_UPDATE to read-only, by ${how === 'option' ? 'the option ro' : 'MNT_RDONLY'}, while a file is open for writing`, 'EBUSY', ['nmount(2), MNT_FORCE', 'sys/fs/tmpfs/tmpfs_vfsops.c:tmpfs_rw_to_ro'], async (on) => {
      const place = await on.tmpfs()
      await on.startOutside(['/bin/sh', '-c', `exec > ${place}/f; exec sleep 1000`])
      await on.until(() => statSync(path.join(place, 'f'), { throwIfNoEntry: false }) !== undefined)
      nmountSync({ fstype: 'tmpfs', fspath: place, ...options }, MNT_UPDATE | flag)
    }, how === 'option' ? {} : { deviation: { seen: 'done', because: byOption, cites: [source.tmpfs] } })),
  refuses('held', 'a folder that a process is in', 'EBUSY', ['nmount(2), ERRORS (another process holds a reference to dir)'], async (on) => {
    const place = on.scratch()
    await on.startOutside(['/bin/sleep', '1000'], { cwd: place })
    on.mount({ fstype: 'tmpfs', fspath: place })
  }, { deviation: { seen: 'done', because: 'nothing looks at who holds the folder; a process whose working directory it is goes over to what is mounted', cites: ['sys/kern/vfs_mount.c:vfs_domount_first', 'sys/kern/vfs_mount.c:mountcheckdirs'] } }),
  shows('table-order', 'the mount table has the oldest first', true, ['getfsstat(2)', first], async (on) => {
    const [older, younger] = [await on.tmpfs(), await on.tmpfs()]
    const places = mountTableSync().map((entry) => entry.on)
    return places.indexOf(older) < places.indexOf(younger)
  }),
  shows('devfs-update', 'MNT_UPDATE of a devfs with a ruleset applies that', ['null'], [source.devfs], async (on) => {
    const place = on.scratch()
    const ruleset = await on.ruleset([{ isShown: false }, { path: 'null', isShown: true }])
    on.mount({ fstype: 'devfs', fspath: place })
    on.mount({ fstype: 'devfs', fspath: place, ruleset: String(ruleset.number) }, MNT_UPDATE)
    return (await on.outside(`ls ${place}`)).split('\n')
  }),
])
