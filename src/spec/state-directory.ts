import { realpathSync, statSync } from 'node:fs'
import path from 'node:path'

import { SpecError } from '../errors.ts'

/** Of the host, for root: on FreeBSD nobody else opens sessions. */
const rootsOwn = '/var/run/buildjail'

/**
 * Where this process keeps what its sessions share: root's own place; for an ordinary user on Linux, who cannot make
 * anything there, the user's runtime directory (XDG Base Directory Specification), or else a folder in /tmp. Wherever it
 * is, opening refuses one that is not the caller's own and private.
 */
export function stateDirectoryOf(platform: NodeJS.Platform, uid: number | undefined, runtimeDirectory: string | undefined): string {
  if (platform !== 'linux' || uid === undefined || uid === 0) return rootsOwn
  // Of a session that was begun as somebody else, the variable may name that user's.
  if (runtimeDirectory !== undefined && path.isAbsolute(runtimeDirectory) && isOwnedBy(uid, runtimeDirectory)) {
    return path.join(runtimeDirectory, 'buildjail')
  }
  return `/tmp/buildjail-${uid}`
}

function isOwnedBy(uid: number, directory: string): boolean {
  try {
    return statSync(directory).uid === uid
  } catch {
    return false
  }
}

/**
 * The directory may not exist yet; what exists of it is resolved, so that it compares with resolved sources and with the
 * kernel's own names of mounts.
 * @throws SpecError
 */
export function resolveStateDirectory(directory: string): string {
  if (!path.isAbsolute(directory)) {
    throw new SpecError('ERR_BUILDJAIL_INVALID_SPEC', 'stateDirectory', `${directory} is not an absolute path`)
  }
  let existing = path.normalize(directory)
  const rest: string[] = []
  for (;;) {
    try {
      return path.join(realpathSync.native(existing), ...rest)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || existing === '/') {
        throw new SpecError('ERR_BUILDJAIL_INVALID_SPEC', 'stateDirectory', `${directory} cannot be resolved`, { path: directory })
      }
      rest.unshift(path.basename(existing))
      existing = path.dirname(existing)
    }
  }
}
