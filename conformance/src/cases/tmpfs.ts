import { chmodSync, chownSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { MNT_UPDATE, statfsSync } from 'buildjail/freebsd'

import { group, refuses, shows, source, type Group } from '../case.ts'
import type { Context } from '../context.ts'
import type { Seen } from '../seen.ts'

const page = 'tmpfs(4), OPTIONS'
const { tmpfs: mount } = source

function look(place: string): Seen {
  const { mode, uid, gid } = statSync(place)
  return `${(mode & 0o7777).toString(8)} ${uid} ${gid}`
}

async function on1234(on: Context, options: Readonly<Record<string, string>>): Promise<Seen> {
  const fspath = on.scratch()
  chownSync(fspath, 1234, 4321)
  chmodSync(fspath, 0o1750)
  return look(await on.tmpfs({ fspath, ...options }))
}

/** How many files it takes. */
async function filesIn(place: string): Promise<number> {
  for (let count = 0; ; count += 1) {
    try {
      mkdirSync(path.join(place, String(count)))
    } catch {
      return count
    }
    if (count === 50) return count
  }
}

export const tmpfs: Group = group('tmpfs', 'tmpfs', [
  shows('default-mode', 'mode, user and group are those of the folder that is covered', '1750 1234 4321', [page, mount], (on) => on1234(on, {})),
  shows('mode', 'mode', '700 1234 4321', [page], (on) => on1234(on, { mode: '700' })),
  shows('uid-gid', 'uid and gid', '1750 5 6', [page], (on) => on1234(on, { uid: '5', gid: '6' })),
  shows('mode-not-octal', 'a mode that is no octal number is as if it were not said', '1750 1234 4321', [mount], (on) => on1234(on, { mode: 'x' })),
  shows('size', 'size is what statfs tells', 1_048_576, [page], async (on) => {
    const { blocks, blockSize } = statfsSync(await on.tmpfs({ size: '1m' }))
    return Number(blocks * blockSize)
  }),
  shows('size-suffixes', 'k, m and g', [65_536, 2_097_152, 1_073_741_824], [page], async (on) => {
    const sizes: number[] = []
    for (const size of ['64k', '2m', '1g']) {
      const { blocks, blockSize } = statfsSync(await on.tmpfs({ size }))
      sizes.push(Number(blocks * blockSize))
    }
    return sizes
  }),
  shows('size-rounded', 'size is rounded up to pages', 8192, ['sys/fs/tmpfs/tmpfs_vfsops.c:tmpfs_mount (roundup)'], async (on) => {
    const { blocks, blockSize } = statfsSync(await on.tmpfs({ size: '4097' }))
    return Number(blocks * blockSize)
  }),
  shows('size-full', 'no more is written than size', 'ENOSPC', [page, 'write(2), ERRORS'], async (on) => {
    const place = await on.tmpfs({ size: '1m' })
    return on.refusal(() => writeFileSync(path.join(place, 'f'), Buffer.alloc(2 * 1024 * 1024)))
  }),
  shows('size-none', 'a size that is no number is as if it were not said', true, ['sys/kern/vfs_mount.c:vfs_getopt_size', mount], async (on) => {
    const { blocks, blockSize } = statfsSync(await on.tmpfs({ size: 'much' }))
    return Number(blocks * blockSize) > 16 * 1024 * 1024
  }),
  shows('inodes', 'inodes: as many files as that, the root among them', 9, [page], async (on) => filesIn(await on.tmpfs({ inodes: '10', size: '1m' }))),
  shows('inodes-told', 'statfs tells how many', '10', [page, 'statfs(2)'], async (on) => String(statfsSync(await on.tmpfs({ inodes: '10' })).files)),
  shows('inodes-3', 'inodes: 3 is as few as that', 2, [page], async (on) => filesIn(await on.tmpfs({ inodes: '3', size: '1m' })), {
    deviation: { seen: 50, because: 'up to 3 it is as if nothing was said, and the limit comes from the size', cites: ['sys/fs/tmpfs/tmpfs_vfsops.c:tmpfs_mount (nodes_max <= 3)'] },
  }),
  shows('maxfilesize', 'maxfilesize', 'EFBIG', [page, 'write(2), ERRORS'], async (on) => {
    const place = await on.tmpfs({ maxfilesize: '4096' })
    return on.refusal(() => writeFileSync(path.join(place, 'f'), Buffer.alloc(8192)))
  }),
  shows('empty-links', 'an empty one has a root of two links', 2, ['contrib/netbsd-tests/fs/tmpfs/t_mount.sh:links'], async (on) => statSync(await on.tmpfs()).nlink),
  shows('from', 'statfs says tmpfs, whatever from was', 'tmpfs', [mount], async (on) => statfsSync(await on.tmpfs({ from: 'other' })).from),
  refuses('update-size', 'MNT_UPDATE with another size', 'EOPNOTSUPP', [mount], async (on) => on.mount({ fstype: 'tmpfs', fspath: await on.tmpfs({ size: '1m' }), size: '2m' }, MNT_UPDATE)),
  shows('update-same-size', 'MNT_UPDATE with the same size', 'done', [mount], async (on) => {
    const place = await on.tmpfs({ size: '1m' })
    return on.refusal(() => on.mount({ fstype: 'tmpfs', fspath: place, size: '1m' }, MNT_UPDATE))
  }),
  refuses('update-mode', 'MNT_UPDATE with a mode', 'EOPNOTSUPP: mount option <mode> is unknown', ['sys/fs/tmpfs/tmpfs_vfsops.c:tmpfs_updateopts'], async (on) => on.mount({ fstype: 'tmpfs', fspath: await on.tmpfs(), mode: '700' }, MNT_UPDATE)),
  shows('covers', 'what was in the folder is covered', false, ['mount(2)'], async (on) => {
    const fspath = on.scratch()
    writeFileSync(path.join(fspath, 'f'), '')
    await on.tmpfs({ fspath })
    return existsSync(path.join(fspath, 'f'))
  }),
  shows('apart', 'two are two', false, [page], async (on) => {
    const [one, other] = [await on.tmpfs(), await on.tmpfs()]
    writeFileSync(path.join(one, 'f'), '')
    return existsSync(path.join(other, 'f'))
  }),
  shows('nosymfollow', 'nosymfollow: no symbolic link in it is followed', 'failed', [page], async (on) => {
    const place = await on.tmpfs({ nosymfollow: true })
    return on.outside(`ln -s /etc/passwd ${place}/l; cat ${place}/l > /dev/null 2>&1 || echo failed`)
  }),
])
