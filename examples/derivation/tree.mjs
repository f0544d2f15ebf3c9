// What a tree of a store may be made of.
import { constants } from 'node:fs'
import { lstat, open } from 'node:fs/promises'

import { DerivationError } from './errors.mjs'

const slash = Buffer.from('/')

/**
 * Names are bytes: not all of them are UTF-8.
 * @param {Buffer} folder
 * @param {Buffer} name
 */
export const under = (folder, name) => Buffer.concat([folder, slash, name])

/**
 * @param {Buffer} path
 * @returns {Promise<'regular' | 'directory' | 'symlink'>}
 * @throws DerivationError where it is a device, a socket or a fifo
 */
export async function kindOf(path) {
  const stats = await lstat(path)
  if (stats.isFile()) return 'regular'
  if (stats.isDirectory()) return 'directory'
  if (stats.isSymbolicLink()) return 'symlink'
  throw new DerivationError(`${path.toString()} is no file, folder or link, and nothing else can be in a store`)
}

/**
 * Goes into a folder, and does something with it as it was entered, also after another was put in its place.
 * @template Result
 * @param {Buffer} folder
 * @param {(entered: Buffer) => Promise<Result>} work
 */
export async function inFolder(folder, work) {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  try {
    // FreeBSD has no such names. Nobody outside of a jail is given a folder of its there.
    return await work(process.platform === 'linux' ? Buffer.from(`/proc/self/fd/${handle.fd}`) : folder)
  } finally {
    await handle.close()
  }
}
