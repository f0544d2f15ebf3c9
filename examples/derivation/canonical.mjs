// What a builder made, as it is in a store: content, names, and whether a file may be executed. The store gets a copy. So of what the
// builder's file had besides nothing is there to be taken away (set-id bits, attributes, lists, flags, other names of it), and who still
// has the builder's file open, by whatever way, changes nothing in the store.
import { constants } from 'node:fs'
import { chmod, lutimes, mkdir, open, readdir, readlink, symlink, utimes } from 'node:fs/promises'

import { DerivationError } from './errors.mjs'
import { inFolder, kindOf, under } from './tree.mjs'

/** Seconds: one after the beginning of time, as some programs take none for no time. */
const time = 1

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = constants

/**
 * @param {string} from
 * @param {string} to which is not there yet
 * @throws DerivationError where it holds something that cannot be in a store
 */
export function copyCanonical(from, to) {
  return copy(Buffer.from(from), Buffer.from(to))
}

/**
 * @param {Buffer} from
 * @param {Buffer} to
 * @returns {Promise<void>}
 */
async function copy(from, to) {
  const kind = await kindOf(from)
  if (kind === 'regular') await copyFile(from, to)
  else if (kind === 'directory') await copyFolder(from, to)
  else {
    await symlink(await readlink(from, { encoding: 'buffer' }), to)
    await lutimes(to, time, time)
  }
}

/**
 * @param {Buffer} from
 * @param {Buffer} to
 */
async function copyFile(from, to) {
  const source = await open(from, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  try {
    const stats = await source.stat()
    if (!stats.isFile()) throw new DerivationError(`${from.toString()} became something else while it was read`)
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

/**
 * @param {Buffer} from
 * @param {Buffer} to
 */
async function copyFolder(from, to) {
  await mkdir(to, 0o700)
  await inFolder(from, async (entered) => {
    for (const name of await readdir(entered, { encoding: 'buffer' })) await copy(under(entered, name), under(to, name))
  })
  await chmod(to, 0o555)
  await utimes(to, time, time)
}
