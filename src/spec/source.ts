import path from 'node:path'

import { SpecError } from '../errors.ts'
import { invalid } from './check.ts'
import { bare } from './plain-data.ts'
import type { Draft } from './field.ts'
import type { Source } from './fields/sources.ts'
import { host, isSame, wholePath, type FileStatus } from './look.ts'
import { readable } from './messages.ts'
import type { Identity } from './plan-types.ts'

/**
 * The file or directory at a path that a caller declared.
 * @throws SpecError `ERR_BUILDJAIL_SOURCE_MISSING`
 */
export function statOf(declared: string, entry: string): FileStatus {
  return found(declared, entry, () => host().stat(declared))
}

/**
 * The same, of a link itself.
 * @throws SpecError `ERR_BUILDJAIL_SOURCE_MISSING`
 */
export function linkStatOf(declared: string, entry: string): FileStatus {
  return found(declared, entry, () => host().lstat(declared))
}

/**
 * The same path, absolute, no symbolic links left in it. Of a file or a directory only.
 * @throws SpecError `ERR_BUILDJAIL_SOURCE_MISSING`, or `ERR_BUILDJAIL_INVALID_SPEC` where it cannot be named
 */
export function resolved(declared: string, entry: string): string {
  const real = found(declared, entry, () => host().realpath(declared))
  // The path that it is decoded to is missing, or is that of another file.
  if (real.includes('\uFFFD') && !isSame(statOf(declared, entry), host().statIfThere(real))) {
    throw invalid(entry, `${declared} is in truth ${real}, whose name is not UTF-8; rename it, or name a copy elsewhere`)
  }
  return real
}

/** Whether there is something at a path, be it something that cannot be looked at. */
export function isThere(declared: string): boolean {
  try {
    return host().statIfThere(declared) !== undefined
  } catch {
    // In somebody else's folder, or a link to itself: `statOf` says which.
    return true
  }
}

/**
 * Undefined where something is there. Else what it will be called when it is made, and the directory above that exists; no symbolic links are
 * left in either.
 * @throws SpecError `ERR_BUILDJAIL_SOURCE_MISSING` where a link on the way leads nowhere
 */
export function missingFolder(declared: string, entry: string): { readonly path: string; readonly within: string } | undefined {
  const whole = wholePath(declared)
  let within = whole
  for (; !isThere(within); within = path.dirname(within)) {
    if (host().lstatIfThere(within) !== undefined) return undefined
  }
  if (within === whole || !statOf(within, entry).isDirectory()) return undefined
  const existing = resolved(within, entry)
  return { path: path.join(existing, path.relative(within, whole)), within: existing }
}

function found<T>(declared: string, entry: string, look: () => T): T {
  try {
    return look()
  } catch (error) {
    throw missing(entry, declared, error)
  }
}

function missing(entry: string, source: string, error: unknown): SpecError {
  const { code, errno, syscall } = error as NodeJS.ErrnoException
  const how = code === 'ENOENT' ? 'does not exist' : 'cannot be looked at'
  const shut = code === 'EACCES' ? shutFolder(source) : undefined
  const remedy = shut === undefined ? undefined : `have its owner type chmod o+x ${readable(shut)}, or name a copy elsewhere`
  const more = shut === undefined ? meantPlace(source) : `: this user may not enter ${readable(shut)}; remedy: ${remedy}`
  return new SpecError('ERR_BUILDJAIL_SOURCE_MISSING', entry, `${source} ${how} (${code ?? String(error)})${more}`, {
    ...(remedy === undefined ? {} : { remedy }),
    ...(errno === undefined ? {} : { errno }),
    ...(syscall === undefined ? {} : { syscall }),
    path: source,
    cause: error,
  })
}

/** The folder on the way to a path that shuts this user out. Undefined if there is none, or a link leads there. */
function shutFolder(source: string): string | undefined {
  const whole = path.resolve(host().folder, source)
  let folder = '/'
  for (const name of whole.split('/').filter((one) => one !== '')) {
    const below = path.join(folder, name)
    try {
      host().stat(below)
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'EACCES' ? folder : undefined
    }
    folder = below
  }
  return undefined
}

/** A path such as `a/b=c` may have been meant as a place and a path. */
function meantPlace(source: string): string {
  const [, place, rest] = /^([^./=][^=]*\/[^=]*)=(.*)$/s.exec(source) ?? []
  return place === undefined || rest === undefined ? '' : `; to show ${readable(rest)} at /${place}, write /${place}=${rest}`
}

export function pathOf(source: Source): string {
  return typeof source === 'string' ? source : source.path
}

/** Whether a source is optional and not there. The plan tells of it then. */
export function isLeftOut({ settled }: Draft, entry: string, source: Source): boolean {
  if (typeof source === 'string' || source.optional !== true || isThere(source.path)) return false
  settled.leftOut = Object.freeze([...settled.leftOut, bare({ entry, path: source.path })])
  return true
}

/** A source is known again by this. */
export function identityOf(stats: Pick<FileStatus, 'dev' | 'ino'>): Identity {
  return bare({ dev: String(stats.dev), ino: String(stats.ino) })
}
