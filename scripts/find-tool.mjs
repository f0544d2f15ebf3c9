// Finds a program under its plain or its versioned Debian name.
import { accessSync, constants, readdirSync } from 'node:fs'
import path from 'node:path'

/**
 * The highest version of a tool on the PATH, as an absolute path: `clang++` finds clang++, clang++-19, clang++-21.
 * A versioned name wins over the plain one, whose version the name does not tell.
 */
export function findTool(name) {
  const versions = new RegExp(`^${name.replace(/[.+]/g, '\\$&')}(?:-(\\d+))?$`)
  let best
  for (const folder of (process.env.PATH ?? '').split(path.delimiter).filter(Boolean)) {
    for (const entry of entriesOf(folder)) {
      const match = versions.exec(entry)
      if (match === null || !isExecutable(path.join(folder, entry))) continue
      const version = Number(match[1] ?? 0)
      if (best === undefined || version > best.version) best = { version, file: path.join(folder, entry) }
    }
  }
  return best?.file
}

function entriesOf(folder) {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
