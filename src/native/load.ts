import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

import { UnsupportedError, unsupportedPlatform } from '../errors.ts'
import { fittingArtefacts } from './artefacts.ts'
import type { NativeBinding } from './binding.ts'

/** The addon that was compiled here, from these sources, comes before one that was made elsewhere. */
const built = ['build/Release/buildjail.node', 'build-cmake/Release/buildjail.node']

let loaded: NativeBinding | undefined

/**
 * The addon, loaded at first use: importing the package works on every system.
 * @throws UnsupportedError, which lists the files that were tried where none could be loaded
 */
export function binding(): NativeBinding {
  loaded ??= load()
  return loaded
}

/** The remedy if there is no addon. */
export function bindingRemedy(): string {
  return bundleWithoutPackage() === undefined ? `build the native code: ${buildCommand()}` : leaveOut
}

const leaveOut = 'leave it out of the bundle (`--external:buildjail` of esbuild), and install it where the bundle runs'

/** The command that compiles the native code of this package: by its whole path, as each package manager has another place for it. */
function buildCommand(): string {
  for (const folder of packageFolders()) {
    const program = path.join(folder, 'scripts', 'build-native.mjs')
    if (existsSync(program)) return `node ${/^[\w./@+-]+$/.test(program) ? program : `'${program.replaceAll("'", String.raw`'\''`)}'`}`
  }
  return 'npm install buildjail'
}

/**
 * Files, in the order in which they are tried, and packages that are not there. The C library of this Node is asked for where nothing was
 * compiled. In a clone, prebuilds/ has what is made for the packages of the platforms (scripts/prebuilds.mjs).
 */
function* candidates(folder: string): Generator<{ readonly file: string } | { readonly missing: string }> {
  for (const file of built) yield { file: path.join(folder, file) }
  const fitting = fittingArtefacts()
  for (const { addon } of fitting) yield { file: path.join(folder, 'prebuilds', addon) }
  for (const { name, addon } of fitting) {
    const found = platformPackage(folder, `@buildjail/${name}`)
    yield typeof found === 'string' ? { missing: found } : { file: path.join(found.folder, addon) }
  }
}

/** The folder of a package with the addon of a platform, or why it cannot be used: both must have one version. */
function platformPackage(folder: string, name: string): { readonly folder: string } | string {
  try {
    const manifest = createRequire(path.join(folder, 'package.json')).resolve(`${name}/package.json`)
    const [wanted, its] = [path.join(folder, 'package.json'), manifest].map((file) => (JSON.parse(readFileSync(file, 'utf8')) as { readonly version?: unknown }).version)
    return its === wanted ? { folder: path.dirname(manifest) } : `${manifest}: of version ${String(its)} and not ${String(wanted)}`
  } catch {
    return `${name}: not installed, an optional dependency of buildjail`
  }
}

function load(): NativeBinding {
  if (process.platform !== 'freebsd' && process.platform !== 'linux') throw unsupportedPlatform('native code')
  const tried: string[] = []
  for (const folder of packageFolders()) {
    for (const candidate of candidates(folder)) {
      if ('missing' in candidate) {
        tried.push(candidate.missing)
        continue
      }
      const { file } = candidate
      if (!existsSync(file)) {
        tried.push(`${file}: not there`)
        continue
      }
      try {
        return createRequire(file)(file) as NativeBinding
      } catch (error) {
        tried.push(`${file}: ${error instanceof Error ? error.message : String(error)}`)
      }
    }
  }
  const bundle = bundleWithoutPackage()
  if (bundle !== undefined) throw new UnsupportedError('ERR_BUILDJAIL_BINDING_NOT_FOUND', `buildjail seems to be bundled in ${bundle}, and its native code is not: ${leaveOut}`)
  throw new UnsupportedError('ERR_BUILDJAIL_BINDING_NOT_FOUND', `the native code could not be loaded; build it with \`${buildCommand()}\`. Tried:\n  ${tried.join('\n  ')}`)
}

/**
 * Where this package's files may be, likeliest first. In a program that a bundler made one file of, that file is not two levels below the
 * package's folder, as this one is in src/ and in dist/: there the package is looked for as the bundle would import it. Nothing is looked for
 * from the working directory, which may be anybody's while root runs this.
 */
function* packageFolders(): Generator<string> {
  const here = ownFile()
  const own = path.resolve(path.dirname(here), '..', '..')
  yield own
  const installed = installedFolder(here)
  if (installed !== undefined && installed !== own) yield installed
}

/** The file of a program that a bundler has put this package into, where the package itself is not installed for it. */
function bundleWithoutPackage(): string | undefined {
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

/** A bundle of CommonJS modules has no import.meta.url. */
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
