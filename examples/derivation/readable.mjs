import { chmod, lstat, readdir } from 'node:fs/promises'

import { inFolder, under } from './tree.mjs'

/**
 * Opens to an ordinary user what a builder has shut, which is the user's own. Root reads it anyway.
 * @param {string | Buffer} made by a builder, and thrown away afterwards
 * @returns {Promise<void>}
 */
export async function makeReadable(made) {
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
