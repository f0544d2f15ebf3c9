// The package with another addon than the one that is installed here, which stays as it is.
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))

/** The program that goes with an addon, beside it. */
export function watcherOf(addon) {
  return addon.replace(/\.node$/, '-watch')
}

/** A folder with the addon where the loader looks first, and the program that goes with it. It is removed when this process exits. */
export function workspaceWith(addon) {
  const folder = mkdtempSync(path.join(tmpdir(), 'buildjail-workspace-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  for (const name of ['src', 'dist', 'test', 'native', 'scripts', 'examples', 'bench', 'package.json', 'tsconfig.json']) {
    cpSync(path.join(root, name), path.join(folder, name), { recursive: true })
  }
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'))
  mkdirSync(path.join(folder, 'prebuilds'))
  cpSync(addon, path.join(folder, 'prebuilds', `${process.platform}-${process.arch}.node`))
  cpSync(watcherOf(addon), path.join(folder, 'prebuilds', `${process.platform}-${process.arch}-watch`))
  return folder
}
