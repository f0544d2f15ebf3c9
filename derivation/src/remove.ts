import { randomUUID } from 'node:crypto'
import { chmod, lstat, readdir, rename, rmdir, unlink } from 'node:fs/promises'

import { inFolder, under } from './tree.ts'

/**
 * Removes a tree that a builder may have made, however deep it is. An entry that lies deeper than a path is long has no path, so each folder is
 * moved up to the top before it is removed.
 * @param tree may be missing
 */
export async function removeTree(tree: string): Promise<void> {
  const root = Buffer.from(tree)
  if (!(await isFolderElseGone(root))) return
  await inFolder(root, async (top) => {
    const left: Buffer[] = await readdir(top, { encoding: 'buffer' })
    for (let name = left.pop(); name !== undefined; name = left.pop()) left.push(...(await removeEntry(top, under(top, name))))
  })
  await rmdir(root)
}

/** Returns the names in `top` of the folders that were in the entry. */
async function removeEntry(top: Buffer, entry: Buffer): Promise<Buffer[]> {
  if (!(await isFolderElseGone(entry))) return []
  const moved: Buffer[] = []
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

/** True of a folder, whose content can be removed now; anything else is removed. */
async function isFolderElseGone(file: Buffer): Promise<boolean> {
  const stats = await lstat(file).catch((error: NodeJS.ErrnoException) => {
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
