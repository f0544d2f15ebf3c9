import { realpathSync, statSync } from 'node:fs'
import nodePath from 'node:path'

/**
 * The command that tells which program a shim runs. Undefined of any other program. A shim picks a toolchain by files that a session lacks,
 * so that it does nothing there, whatever is shown beside it.
 */
export function commandBehindShim(path: string): string | undefined {
  const name = nodePath.basename(path)
  const folder = nodePath.dirname(path)
  if (name !== 'rustup' && isRustup(path, folder)) return `rustup which ${name}`
  if (nodePath.basename(folder) !== 'shims') return undefined
  const manager = nodePath.basename(nodePath.dirname(folder)).replace(/^\./, '')
  return `${manager} which ${name}`
}

/** Its shims are links to it, and hard links in older ones. */
function isRustup(path: string, folder: string): boolean {
  if (nodePath.basename(realpathSync.native(path)) === 'rustup') return true
  const itself = statSync(`${folder}/rustup`, { throwIfNoEntry: false })
  const other = statSync(path, { throwIfNoEntry: false })
  return itself !== undefined && other !== undefined && itself.dev === other.dev && itself.ino === other.ino
}
