import { realpathSync, statSync, type BigIntStats } from 'node:fs'

import { SourceMissingError } from '../spec-errors.ts'

/**
 * The file or directory at a path that a caller declared.
 * @throws SpecError `ERR_BUILDJAIL_SOURCE_MISSING`
 */
export function statOf(declared: string, entry: string): BigIntStats {
  return found(declared, entry, () => statSync(declared, { bigint: true }))
}

/**
 * The same path, absolute, no symbolic links left in it. Of a file or a directory only: some runtimes open what they resolve, which a
 * socket answers with an error of its own.
 * @throws SpecError `ERR_BUILDJAIL_SOURCE_MISSING`
 */
export function resolved(declared: string, entry: string): string {
  return found(declared, entry, () => realpathSync.native(declared))
}

function found<T>(declared: string, entry: string, look: () => T): T {
  try {
    return look()
  } catch (error) {
    throw missing(entry, declared, error)
  }
}

function missing(entry: string, source: string, error: unknown): SourceMissingError {
  const { code, errno, syscall } = error as NodeJS.ErrnoException
  const how = code === 'ENOENT' ? 'does not exist' : 'cannot be looked at'
  return new SourceMissingError(entry, `${source} ${how} (${code ?? String(error)})`, {
    ...(errno === undefined ? {} : { errno }),
    ...(syscall === undefined ? {} : { syscall }),
    path: source,
    cause: error,
  })
}
