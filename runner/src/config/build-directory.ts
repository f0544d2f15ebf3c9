import { realpathSync, statSync } from 'node:fs'
import path from 'node:path'

import { InvalidConfigError } from './config.ts'

const others = 0o077

/**
 * Sessions of an ordinary user are that user outside, and so would be the owner of the worker's cache, whose files are linked into input roots.
 * @throws InvalidConfigError
 */
export function refuseOrdinaryUsers(): void {
  if (process.geteuid?.() !== 0) throw new InvalidConfigError('user', 'this program has to be run by root, as its actions would else be the worker itself')
}

/**
 * The worker's build directory, without links. What is in it may be written to by anybody, as a worker makes it under umask 0. So it has to
 * be shut itself, or the folder that it is in: a user that could exchange a folder in it could make the runner, which is root, write elsewhere. A
 * virtual build directory has the mode that its file system gives it.
 * @throws InvalidConfigError
 */
export function buildDirectoryOf(given: string): string {
  let found: string
  try {
    found = realpathSync.native(given)
  } catch (error) {
    throw new InvalidConfigError('buildDirectory', (error as Error).message)
  }
  const own = process.geteuid?.() ?? 0
  const { mode, uid } = statSync(found)
  const around = statSync(path.dirname(found))
  if (around.uid === own && (around.mode & others) === 0) return found
  if (uid !== own) throw new InvalidConfigError('buildDirectory', `'${found}' must belong to user ${own}, who runs this program, and it belongs to ${uid}`)
  // defence: build-directory-others-enter
  if ((mode & others) !== 0) throw new InvalidConfigError('buildDirectory', `'${found}' must be shut to others: chmod 700 '${found}'`)
  return found
}
