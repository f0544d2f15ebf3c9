// The canonical form of what a builder made: content, names, and whether a file may be executed. The store gets a copy. So set-id bits, attributes,
// ACLs, flags and further hard links of the builder's file stay behind, and a process that still has that file open changes nothing in the store.
import { constants } from 'node:fs'
import { chmod, lstat, lutimes, mkdir, open, readdir, readlink, symlink, utimes } from 'node:fs/promises'

import { DerivationError } from './errors.ts'
import { inFolder, kindOf, under } from './tree.ts'

/** Seconds: not 0, which some programs take for a missing time. */
const time = 1

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = constants

/**
 * @param to is not there yet
 * @param name that errors have for it, as its store path
 * @throws DerivationError if it holds something that cannot be in a store
 */
export function copyCanonical(from: string, to: string, name: string = from): Promise<void> {
  return copy(Buffer.from(from), Buffer.from(to), Buffer.from(name))
}

async function copy(from: Buffer, to: Buffer, shown: Buffer): Promise<void> {
  const kind = await kindOf(from, shown)
  if (kind === 'regular') await copyFile(from, to, shown)
  else if (kind === 'directory') await copyFolder(from, to, shown)
  else {
    await symlink(await readlink(from, { encoding: 'buffer' }), to)
    await lutimes(to, time, time)
  }
}

async function copyFile(from: Buffer, to: Buffer, shown: Buffer): Promise<void> {
  const source = await open(from, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  try {
    const stats = await source.stat()
    if (!stats.isFile()) throw new DerivationError(`${shown.toString()} became something else while it was read`)
    const made = await open(to, O_WRONLY | O_CREAT | O_EXCL, 0o600)
    try {
      const piece = Buffer.allocUnsafe(1 << 18)
      for (;;) {
        const { bytesRead } = await source.read({ buffer: piece })
        if (bytesRead === 0) break
        for (let done = 0; done < bytesRead; ) done += (await made.write(piece, done, bytesRead - done)).bytesWritten
      }
      await made.chmod((stats.mode & 0o100) === 0 ? 0o444 : 0o555)
      await made.utimes(time, time)
      await made.sync()
    } finally {
      await made.close()
    }
  } finally {
    await source.close()
  }
}

async function copyFolder(from: Buffer, to: Buffer, shown: Buffer): Promise<void> {
  await mkdir(to, 0o700)
  await inFolder(from, async (entered) => {
    for (const name of await readdir(entered, { encoding: 'buffer' })) await copy(under(entered, name), under(to, name), under(shown, name))
  })
  await chmod(to, 0o555)
  await utimes(to, time, time)
}

/**
 * Lets an ordinary user read what a builder has shut, which is the user's own. Root reads it anyway.
 * @param made by a builder, and thrown away afterwards
 */
export async function makeReadable(made: string | Buffer): Promise<void> {
  if (process.geteuid?.() === 0) return
  const file = Buffer.from(made)
  const stats = await lstat(file)
  if (stats.isFile()) await chmod(file, stats.mode | 0o400)
  if (!stats.isDirectory()) return
  await chmod(file, stats.mode | 0o700)
  await inFolder(file, async (entered) => {
    for (const name of await readdir(entered, { encoding: 'buffer' })) await makeReadable(under(entered, name))
  })
}
