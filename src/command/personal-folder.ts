import { homedir, userInfo } from 'node:os'
import nodePath from 'node:path'

import { isWithin } from '../spec/paths.ts'

/** Where systems have the homes of people: HOME alone does not say it to root, who runs a program of somebody else's. */
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

/** A user whom the system does not know has none. */
function userHome(): string | undefined {
  try {
    return userInfo().homedir
  } catch {
    return undefined
  }
}
