// Files, folders and links: what a tree of a store may be made of.
import { constants } from 'node:fs'
import { lstat, open } from 'node:fs/promises'

import { DerivationError } from './errors.ts'

const slash = Buffer.from('/')

/** Names are bytes: not all of them are UTF-8. */
export const under = (folder: Buffer, name: Buffer): Buffer => Buffer.concat([folder, slash, name])

/**
 * @param shown its name in the error
 * @throws DerivationError of a device, a socket or a fifo
 */
export async function kindOf(path: Buffer, shown: Buffer = path): Promise<'regular' | 'directory' | 'symlink'> {
  const stats = await lstat(path)
  if (stats.isFile()) return 'regular'
  if (stats.isDirectory()) return 'directory'
  if (stats.isSymbolicLink()) return 'symlink'
  throw new DerivationError(`${shown.toString()} is no file, folder or link, and nothing else can be in a store`)
}

/** Enters a folder and works in it by descriptor, so that the same folder is meant also after another was put in its place. */
export async function inFolder<Result>(folder: Buffer, work: (entered: Buffer) => Promise<Result>): Promise<Result> {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  try {
    // FreeBSD has no such names. Nobody outside of a jail is given a folder of its there.
    return await work(process.platform === 'linux' ? Buffer.from(`/proc/self/fd/${handle.fd}`) : folder)
  } finally {
    await handle.close()
  }
}
