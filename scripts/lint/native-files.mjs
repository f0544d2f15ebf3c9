// The C and C++ files of the package.
import { readdirSync } from 'node:fs'
import path from 'node:path'

/** Files below a folder of the package with one of the endings, relative to the package; none without the folder. */
export function nativeFiles(root, folder, endings) {
  let entries
  try {
    entries = readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
  } catch (error) {
    if (error.code === 'ENOENT') return []
    throw error
  }
  return entries
    .filter((entry) => entry.isFile() && endings.includes(path.extname(entry.name)))
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)))
    .sort()
}
