// The package with another addon than the one that is installed here, which stays as it is.
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { artefactHere } from './prebuilds/here.mjs'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))

/** The program that goes with an addon, beside it. */
export function watcherOf(addon) {
  return addon.replace(/\.node$/, '-watch')
}

/** The one that the loader finds in this package as it stands. */
export function installedAddon() {
  const files = ['build/Release/buildjail.node', 'build-cmake/Release/buildjail.node', `prebuilds/${artefactHere().addon}`]
  const found = files.map((file) => path.join(root, file)).find((file) => existsSync(file))
  if (found === undefined) throw new Error('the addon is not built: npm run build:native')
  return found
}

/**
 * A folder with the addon as the one that came with the package and nothing compiled there, and the program that goes with it. It is removed when
 * this process exits.
 */
export function workspaceWith(addon) {
  const folder = mkdtempSync(path.join(tmpdir(), 'buildjail-workspace-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  // As a package is: for host programs of other users too.
  chmodSync(folder, 0o755)
  for (const name of ['src', 'dist', 'test', 'native', 'scripts', 'examples', 'bench', 'runner', 'conformance', 'derivation', 'docs', 'README.md', 'CONTRIBUTING.md', 'package.json', 'tsconfig.json']) {
    cpSync(path.join(root, name), path.join(folder, name), { recursive: true, verbatimSymlinks: true })
  }
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'))
  mkdirSync(path.join(folder, 'prebuilds'))
  const artefact = artefactHere()
  cpSync(addon, path.join(folder, 'prebuilds', artefact.addon))
  cpSync(watcherOf(addon), path.join(folder, 'prebuilds', artefact.watcher))
  return folder
}
