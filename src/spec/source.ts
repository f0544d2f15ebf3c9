import { realpathSync, statSync, type BigIntStats } from 'node:fs'

import { SourceMissingError } from '../spec-errors.ts'

/** A path of the host as a caller declared it, with the file or directory that is there. */
export interface Source {
  /** As it was declared. */
  readonly declared: string
  /** Absolute, no symbolic links left in it. */
  readonly path: string
  readonly stats: BigIntStats
}

/** @throws SpecError `ERR_BUILDJAIL_SOURCE_MISSING` */
export function sourceAt(declared: string, entry: string): Source {
  try {
    const stats = statSync(declared, { bigint: true })
    // After stat(2): some runtimes open what they resolve, which a socket answers with an error of its own.
    return { declared, path: realpathSync.native(declared), stats }
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
