import path from 'node:path'

import { SpecError } from '../errors.ts'
import { host } from './look.ts'

/** Root's, on both systems. On FreeBSD nobody else opens sessions. */
const rootsOwn = '/var/run/buildjail'

/**
 * The state directory, decided when it is needed: a host program can change its user or its environment before that. The part of
 * its path that exists is resolved, so that it compares with resolved sources and with the kernel's own names of mounts.
 * @param named absolute; undefined when nobody named one.
 * @throws SpecError
 */
export function stateDirectoryOf(named?: string, platform: NodeJS.Platform = process.platform): string {
  return resolved(named ?? usualStateDirectory(platform, process.geteuid?.(), process.env['XDG_RUNTIME_DIR']))
}

/**
 * The state directory of a caller that names none, and where there are two to choose from the one that it gets if the first is not to be used.
 * For root, root's own directory. An ordinary user on Linux cannot make anything there and gets one in the user's runtime directory
 * (XDG Base Directory Specification), or else in /tmp. Opening refuses a state directory that is not the caller's own and private.
 */
export function usualStateDirectories(platform: NodeJS.Platform, uid: number | undefined, runtimeDirectory: string | undefined): readonly [string, string?] {
  if (platform !== 'linux' || uid === undefined || uid === 0) return [rootsOwn]
  const inTmp = `/tmp/buildjail-${uid}`
  return runtimeDirectory !== undefined && path.isAbsolute(runtimeDirectory) ? [path.join(runtimeDirectory, 'buildjail'), inTmp] : [inTmp]
}

/** The one of `usualStateDirectories` that the caller gets. */
export function usualStateDirectory(platform: NodeJS.Platform, uid: number | undefined, runtimeDirectory: string | undefined): string {
  const [first, second] = usualStateDirectories(platform, uid, runtimeDirectory)
  // After su(1) the variable can still name the runtime directory of the user before.
  return second === undefined || isOwnedBy(uid, path.dirname(first)) ? first : second
}

function isOwnedBy(uid: number | undefined, directory: string): boolean {
  try {
    return Number(host().stat(directory).uid) === uid
  } catch {
    return false
  }
}

/** The directory itself is not to be a link: whoever can exchange a link chooses where sessions are kept. */
function resolved(directory: string): string {
  let existing = path.normalize(directory).replace(/(.)\/$/, '$1')
  const rest: string[] = []
  for (;;) {
    try {
      // defence: state-directory-no-link
      if (rest.length === 0 && host().lstat(existing).isSymbolicLink()) {
        throw new SpecError('ERR_BUILDJAIL_INVALID_SPEC', 'stateDirectory', `${directory} is a symbolic link`, { path: directory })
      }
      return path.join(host().realpath(existing), ...rest)
    } catch (error) {
      if (error instanceof SpecError) throw error
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || existing === '/') {
        throw new SpecError('ERR_BUILDJAIL_INVALID_SPEC', 'stateDirectory', `${directory} cannot be resolved`, { path: directory, cause: error })
      }
      rest.unshift(path.basename(existing))
      existing = path.dirname(existing)
    }
  }
}

