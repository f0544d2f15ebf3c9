import { randomUUID } from 'node:crypto'
import { chmod, lstat, readdir, rename, rmdir, unlink } from 'node:fs/promises'

import { inFolder, under } from './tree.mjs'

/**
 * Removes a tree that a builder may have made, however deep it is: what lies deeper than a path is long has no path. So each folder comes up
 * to the top, before it is removed.
 * @param {string} tree which may be missing
 */
export async function removeTree(tree) {
  const root = Buffer.from(tree)
  if (!(await isFolderElseGone(root))) return
  await inFolder(root, async (top) => {
    const left = await readdir(top, { encoding: 'buffer' })
    for (let name = left.pop(); name !== undefined; name = left.pop()) left.push(...(await removeEntry(top, under(top, name))))
  })
  await rmdir(root)
}

/**
 * @param {Buffer} top
 * @param {Buffer} entry
 * @returns {Promise<Buffer[]>} names in `top` of the folders that were in it
 */
async function removeEntry(top, entry) {
  if (!(await isFolderElseGone(entry))) return []
  /** @type {Buffer[]} */
  const moved = []
  await inFolder(entry, async (entered) => {
    for (const name of await readdir(entered, { encoding: 'buffer' })) {
      if (!(await isFolderElseGone(under(entered, name)))) continue
      const next = Buffer.from(randomUUID())
      await rename(under(entered, name), under(top, next))
      moved.push(next)
    }
  })
  await rmdir(entry)
  return moved
}

/**
 * @param {Buffer} file
 * @returns {Promise<boolean>} true of a folder, whose content can be removed now; anything else is removed
 */
async function isFolderElseGone(file) {
  const stats = await lstat(file).catch((error) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (stats === undefined) return false
  if (stats.isDirectory()) {
    // Only root may take anything out of a read-only folder.
    if (process.geteuid?.() !== 0) await chmod(file, 0o700)
    return true
  }
  await unlink(file)
  return false
}
