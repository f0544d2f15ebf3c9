import { once } from 'node:events'
import { chmodSync, existsSync, linkSync, mkdirSync, readFileSync, renameSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import path from 'node:path'

import { MNT_RDONLY, MNT_UPDATE, nmountSync, statfsSync, unmountSync } from 'buildjail/freebsd'

import { group, refuses, shows, source, type Group } from '../case.ts'
import type { Context } from '../context.ts'

const { nullfs: mount, first } = source
const page = 'nullfs(4)'

function fileIn(on: Context, text = ''): string {
  const file = path.join(on.scratch(), 'f')
  writeFileSync(file, text)
  return file
}

/** To a socket in one folder, by way of another. */
async function connection(from: string, by: string): Promise<string> {
  const server = createServer((socket) => socket.end()).listen(path.join(from, 's'))
  await once(server, 'listening')
  try {
    const client = connect(path.join(by, 's'))
    return await Promise.race([once(client, 'connect').then(() => 'connected', () => 'refused'), once(client, 'error').then(() => 'refused')])
  } finally {
    server.close()
  }
}

export const nullfs: Group = group('nullfs', 'nullfs', [
  shows('both-ways', 'what is written on either side is there on the other', ['a', 'b'], [page, 'contrib/netbsd-tests/fs/nullfs/t_basic.c:basic'], async (on) => {
    const below = on.scratch()
    const above = await on.nullfs(below)
    writeFileSync(path.join(below, 'a'), 'a')
    writeFileSync(path.join(above, 'b'), 'b')
    return [readFileSync(path.join(above, 'a'), 'utf8'), readFileSync(path.join(below, 'b'), 'utf8')]
  }),
  shows('unmounted', 'when it is unmounted the folder is as before, and the other side has all', [false, true], [page, 'contrib/netbsd-tests/fs/nullfs/t_basic.c:basic'], async (on) => {
    const below = on.scratch()
    const above = await on.nullfs(below)
    writeFileSync(path.join(above, 'f'), '')
    unmountSync(above)
    return [existsSync(path.join(above, 'f')), existsSync(path.join(below, 'f'))]
  }),
  shows('same-inode', 'a file has one inode number on both sides, and two devices', [true, false], ['sys/fs/nullfs/null_vnops.c:null_getattr'], async (on) => {
    const below = fileIn(on)
    const above = path.join(await on.nullfs(path.dirname(below)), 'f')
    return [statSync(below).ino === statSync(above).ino, statSync(below).dev === statSync(above).dev]
  }),
  refuses('no-source', 'no from', 'EINVAL', [mount], (on) => on.mount({ fstype: 'nullfs', fspath: on.scratch() })),
  refuses('missing-source', 'a from that is not there', 'ENOENT', [mount], (on) => on.mount({ fstype: 'nullfs', fspath: on.scratch(), from: '/no/such' })),
  shows('target', 'target says the same as from', 'nullfs', [mount], (on) => {
    const place = on.scratch()
    on.mount({ fstype: 'nullfs', fspath: place, target: on.scratch() })
    return on.typeOf(place)
  }),
  refuses('file-on-a-folder', 'a file on a folder', 'EINVAL', [mount], (on) => on.mount({ fstype: 'nullfs', fspath: on.scratch(), from: fileIn(on) })),
  refuses('folder-on-a-file', 'a folder on a file', 'EINVAL', [mount], (on) => on.mount({ fstype: 'nullfs', fspath: fileIn(on), from: on.scratch() }), { needs: ['nullfsFiles'] }),
  shows('file-on-a-file', 'a file on a file', 'lower', [first, mount], (on) => {
    const place = fileIn(on, 'covered')
    on.mount({ fstype: 'nullfs', fspath: place, from: fileIn(on, 'lower') })
    return readFileSync(place, 'utf8')
  }, { needs: ['nullfsFiles'] }),
  refuses('file-of-two-links', 'on a file with two names', 'EINVAL', [first], (on) => {
    const place = fileIn(on)
    linkSync(place, `${place}-second`)
    on.mount({ fstype: 'nullfs', fspath: place, from: fileIn(on) })
  }, { needs: ['nullfsFiles'] }),
  shows('from-a-file-of-two-links', 'from a file with two names', 'lower', [first], (on) => {
    const [place, from] = [fileIn(on), fileIn(on, 'lower')]
    linkSync(from, `${from}-second`)
    on.mount({ fstype: 'nullfs', fspath: place, from })
    return readFileSync(place, 'utf8')
  }, { needs: ['nullfsFiles'] }),
  refuses('file-twice', 'a file on a file that is mounted on', 'EBUSY', ['sys/kern/vfs_mount.c:vfs_domount (MNT_NOCOVER)'], (on) => {
    const place = fileIn(on)
    on.mount({ fstype: 'nullfs', fspath: place, from: fileIn(on) })
    on.mount({ fstype: 'nullfs', fspath: place, from: fileIn(on) })
  }, { needs: ['nullfsFiles'] }),
  refuses('update', 'MNT_UPDATE', 'EOPNOTSUPP', [mount], async (on) => {
    const below = on.scratch()
    nmountSync({ fstype: 'nullfs', fspath: await on.nullfs(below), from: below }, MNT_UPDATE | MNT_RDONLY)
  }),
  refuses('twice', 'the same folder where it is mounted already', 'EDEADLK', [mount], async (on) => {
    const below = on.scratch()
    const above = await on.nullfs(below)
    on.mount({ fstype: 'nullfs', fspath: above, from: below })
  }),
  shows('chain', 'a nullfs of a nullfs of a folder', 'x', [page, 'contrib/netbsd-tests/fs/nullfs/t_basic.c:twistymount'], async (on) => {
    const below = fileIn(on, 'x')
    return readFileSync(path.join(await on.nullfs(await on.nullfs(path.dirname(below))), 'f'), 'utf8')
  }),
  shows('not-recursive', 'what is mounted below the source does not come along', false, [page], async (on) => {
    const below = on.scratch()
    mkdirSync(path.join(below, 'm'))
    await on.tmpfs({ fspath: path.join(below, 'm') })
    writeFileSync(path.join(below, 'm', 'f'), '')
    return existsSync(path.join(await on.nullfs(below), 'm', 'f'))
  }),
  shows('read-only', 'read-only above, writable below', ['EROFS', 'done'], ['sys/fs/nullfs/null_vnops.c:null_setattr', 'mount(8), ro'], async (on) => {
    const below = on.scratch()
    const above = await on.nullfs(below, MNT_RDONLY)
    return [await on.refusal(() => writeFileSync(path.join(above, 'x'), '')), await on.refusal(() => writeFileSync(path.join(below, 'x'), ''))]
  }),
  shows('read-only-mode', 'read-only above: no mode is changed', 'EROFS', ['sys/fs/nullfs/null_vnops.c:null_setattr'], async (on) => {
    const below = fileIn(on)
    const above = path.join(await on.nullfs(path.dirname(below), MNT_RDONLY), 'f')
    return on.refusal(() => chmodSync(above, 0o600))
  }),
  shows('rename-across', 'no file is renamed from one side to the other', 'EXDEV', ['rename(2), ERRORS', 'sys/fs/nullfs/null_vnops.c:null_rename'], async (on) => {
    const below = fileIn(on)
    const above = await on.nullfs(path.dirname(below))
    return on.refusal(() => renameSync(path.join(above, 'f'), path.join(path.dirname(below), 'g')))
  }),
  shows('link-across', 'nor linked', 'EXDEV', ['link(2), ERRORS'], async (on) => {
    const below = fileIn(on)
    const above = await on.nullfs(path.dirname(below))
    return on.refusal(() => linkSync(path.join(above, 'f'), path.join(path.dirname(below), 'g')))
  }),
  shows('unlinked', 'a file that is unlinked below is gone above', false, ['sys/fs/nullfs/null_vnops.c:null_lookup'], async (on) => {
    const below = fileIn(on)
    const above = path.join(await on.nullfs(path.dirname(below)), 'f')
    statSync(above)
    unlinkSync(below)
    return existsSync(above)
  }),
  shows('source-renamed', 'the source may be renamed: it is mounted, not its name', 'x', [mount], async (on) => {
    const below = fileIn(on, 'x')
    const above = await on.nullfs(path.dirname(below))
    renameSync(path.dirname(below), `${path.dirname(below)}-new`)
    return readFileSync(path.join(above, 'f'), 'utf8')
  }),
  shows('from-told', 'statfs tells where it was mounted from', true, ['statfs(2), f_mntfromname', mount], async (on) => {
    const below = on.scratch()
    return statfsSync(await on.nullfs(below)).from === below
  }),
  shows('socket-bypass', 'a socket below takes connections from above', 'connected', ['mount_nullfs(8), unixbypass', mount], async (on) => {
    const below = on.scratch()
    return connection(below, await on.nullfs(below))
  }),
  shows('socket-no-bypass', 'and not with nounixbypass', 'refused', ['mount_nullfs(8), unixbypass', mount], async (on) => {
    const below = on.scratch()
    return connection(below, await on.nullfs(below, 0, { nounixbypass: true }))
  }),
  shows('dotdot-renamed', 'in a jail, .. of a folder that was renamed out of a nullfs leads to the root, and no further', ['up', 'ENOENT', true], ['tests/sys/kern/jail_lookup_root.c:jail_root'], async (on) => {
    // A folder is mounted beside itself, a process is in a folder of it, and that is moved out of the source.
    const top = on.scratch()
    for (const name of ['a', 'b', 'a/c', 'bin', 'lib', 'libexec']) mkdirSync(path.join(top, name))
    for (const name of ['bin', 'lib', 'libexec']) await on.nullfs(`/${name}`, 0, { fspath: path.join(top, name) })
    await on.nullfs(path.join(top, 'a'), 0, { fspath: path.join(top, 'b') })
    const jid = on.set({ path: top })
    const inside = await on.start({ jid }, ['/bin/sh', '-c', 'read line; cd -P .. && echo up; cd -P .. || echo ENOENT'], { cwd: '/b/c' })
    renameSync(path.join(top, 'a/c'), path.join(top, 'c'))
    inside.stdin?.end('\n')
    const { stdout, stderr } = await inside.output()
    return [...stdout.trim().split('\n'), stderr.includes('No such file or directory')]
  }),
], ['file system nullfs'])
