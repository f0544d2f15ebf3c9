import { closeSync, constants, lstatSync, openSync, realpathSync } from 'node:fs'
import path from 'node:path'

import { wrongRequest } from '../refusal.ts'

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants

/**
 * What a request names below the build directory, which is absolute and without links. Neither `..` nor a symbolic link leads out of it:
 * the one has no use, and the other may be an earlier action's. Only the worker can exchange anything there, because the build directory
 * is shut to others (config/build-directory.ts); a session looks once more whether its input root is the folder that was found here.
 * @param field of the request, for errors
 * @throws Refusal
 */
export function folderBelow(buildDirectory: string, given: string, field: string): string {
  const folder = existing(lexicallyBelow(buildDirectory, given, field), given, field)
  if (!lstatSync(folder).isDirectory()) throw wrongRequest(field, `'${given}' is no directory`)
  return folder
}

/** Something that is there, of any kind. @throws Refusal */
export function anythingBelow(buildDirectory: string, given: string, field: string): string {
  return existing(lexicallyBelow(buildDirectory, given, field), given, field)
}

/**
 * Makes an empty file, which the worker looks for after the action even if nothing was written to it.
 * @returns its path
 * @throws Refusal, also where it is there already, and the error of open(2) where this machine is at fault
 */
export function newFileBelow(buildDirectory: string, given: string, field: string): string {
  const file = lexicallyBelow(buildDirectory, given, field)
  if (file === buildDirectory) throw wrongRequest(field, 'must name a file')
  existing(path.dirname(file), path.dirname(given), field)
  try {
    // defence: no-file-worker-written
    closeSync(openSync(file, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW, 0o666))
  } catch (error) {
    throw refusedName(error, field, (error as Error).message)
  }
  return file
}

/** As it is inside, where nothing is outside the input root but the session itself. @throws Refusal */
export function insideOf(inputRoot: string, given: string, field: string): string {
  return lexicallyBelow(inputRoot, given, field)
}

function lexicallyBelow(top: string, given: string, field: string): string {
  if (given.includes('\0')) throw wrongRequest(field, 'must not hold a NUL character')
  if (given.startsWith('/')) throw wrongRequest(field, `'${given}' must be a relative path`)
  const parts = given.split('/').filter((part) => part !== '' && part !== '.')
  if (parts.includes('..')) throw wrongRequest(field, `'${given}' must not have '..' in it`)
  return path.posix.join(top, ...parts)
}

function existing(found: string, given: string, field: string): string {
  let real: string
  try {
    real = realpathSync.native(found)
  } catch (error) {
    throw refusedName(error, field, `'${given}' cannot be used: ${(error as NodeJS.ErrnoException).code ?? String(error)}`)
  }
  // defence: no-link-earlier-action
  if (real !== found) throw wrongRequest(field, `'${given}' leads through a symbolic link`)
  return found
}

/** What may be wrong with a name. */
const faultsOfAName = new Set(['EACCES', 'EEXIST', 'EISDIR', 'ELOOP', 'ENAMETOOLONG', 'ENOENT', 'ENOTDIR'])

/** Any other error, such as that of a full disk, is this machine's: the worker may try again elsewhere. */
function refusedName(error: unknown, field: string, problem: string): unknown {
  return faultsOfAName.has((error as NodeJS.ErrnoException).code ?? '') ? wrongRequest(field, problem) : error
}
