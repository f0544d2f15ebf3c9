import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))
const builds = ['build/Release', 'build-cmake/Release'].flatMap((folder) => ['.node', '-watch'].map((end) => `${folder}/buildjail${end}`))

/** A guest has the programs of the tests beside the addon, shut to ordinary users. */
const isOfPackage = (file: string): boolean => !file.endsWith('-programs')

/** The parts of the package that run, elsewhere. Gives the entry's URL. */
export function copyOfPackage(folder: string): string {
  mkdirSync(folder)
  for (const name of ['package.json', 'dist', 'prebuilds', ...builds]) {
    if (existsSync(path.join(root, name))) cpSync(path.join(root, name), path.join(folder, name), { recursive: true, filter: isOfPackage })
  }
  // Other users load it, whatever the umask of the tests is.
  execFileSync('chmod', ['-R', 'go+rX', folder])
  return pathToFileURL(path.join(folder, 'dist', 'index.js')).href
}
