import { existsSync, realpathSync, statSync } from 'node:fs'
import { homedir, userInfo } from 'node:os'
import nodePath from 'node:path'

import { isWithin } from './paths.ts'

/**
 * What of the host to show for a program. It has its libraries beside the folder that it is in. If showing those would show a user's own files
 * too, only the program is shown; of a link, the folder of programs that it is in. What a link leads to is shown as well, with its package.
 */
export function foldersOfProgram(path: string): readonly string[] {
  const bin = nodePath.dirname(path)
  const prefix = nodePath.dirname(bin)
  const isOfPrograms = /^s?bin$/.test(nodePath.basename(bin)) && prefix !== '/' && ![prefix, realpathSync.native(prefix)].some(isPersonal)
  const real = realpathSync.native(path)
  const isLink = !isWithin(real, realpathSync.native(bin))
  const shown = isOfPrograms ? prefix : isLink && !isPersonal(bin) ? bin : path
  const whole = packageOf(real)
  const behind = whole !== undefined ? [whole] : isLink ? foldersOfProgram(real) : []
  return [shown, ...behind.filter((folder) => !isWithin(folder, realpathSync.native(shown)))]
}

/** The package of npm that a file belongs to, where it is installed as one. */
function packageOf(file: string): string | undefined {
  const [whole] = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(file) ?? []
  return whole !== undefined && existsSync(`${whole}/package.json`) ? whole : undefined
}

/** The folders in which systems put homes: root may run a program from another user's home, which HOME does not name. */
const usualHome = /^(?:(?:\/usr)?\/home\/[^/]+|\/root)$/

/**
 * Whether a folder holds more of a person than programs: a home, a folder around one, or one that begins with a dot directly in it, such as
 * ~/.local, which has keys and mail beside its bin.
 */
export function isPersonal(folder: string): boolean {
  if (isHome(folder) || homes().some((home) => isWithin(home, folder)) || /^\/(?:usr\/)?home$/.test(folder)) return true
  return nodePath.basename(folder).startsWith('.') && isHome(nodePath.dirname(folder))
}

function isHome(folder: string): boolean {
  return homes().includes(folder) || usualHome.test(folder)
}

function homes(): readonly string[] {
  // Bun's homedir() is that of its start.
  return [process.env['HOME'], homedir(), userHome()].filter((home): home is string => home !== undefined && home.startsWith('/')).map((home) => nodePath.resolve(home))
}

/** A user that the system does not know has no home. */
function userHome(): string | undefined {
  try {
    return userInfo().homedir
  } catch {
    return undefined
  }
}

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
