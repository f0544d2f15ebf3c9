import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/**
 * Where this package's files may be, likeliest first. In a program that a bundler made one file of, that file is not two levels below the
 * package's folder, as this one is in src/ and in dist/: there the package is looked for as the bundle would import it. Nothing is looked for
 * from the working directory, which may be anybody's while root runs this.
 */
export function* packageFolders(): Generator<string> {
  const here = ownFile()
  const own = path.resolve(path.dirname(here), '..', '..')
  yield own
  const installed = installedFolder(here)
  if (installed !== undefined && installed !== own) yield installed
}

/** The file of a program that a bundler has put this package into, where the package itself is not installed for it. */
export function bundleWithoutPackage(): string | undefined {
  const here = ownFile()
  return isPackage(path.resolve(path.dirname(here), '..', '..')) || installedFolder(here) !== undefined ? undefined : here
}

function isPackage(folder: string): boolean {
  try {
    return (JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as { readonly name?: unknown }).name === 'buildjail'
  } catch {
    return false
  }
}

/** In a bundle of CommonJS modules there is no import.meta.url. */
function ownFile(): string {
  const url = (import.meta as { url?: string }).url
  return url === undefined ? __filename : fileURLToPath(url)
}

function installedFolder(here: string): string | undefined {
  try {
    return path.dirname(createRequire(pathToFileURL(here)).resolve('buildjail/package.json'))
  } catch {
    return undefined
  }
}
