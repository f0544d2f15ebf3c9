import { realpathSync } from 'node:fs'
import path from 'node:path'

export interface RunningRuntime {
  /** What a session needs to be shown of it: a directory or a file. */
  readonly source: string
  /** For PATH. */
  readonly bin: string
}

/**
 * The runtime that this program runs in. Node finds its libraries, and npm, beside the folder of its program, so that is its whole prefix.
 * Bun and a program with its runtime in it are one file.
 */
export function runningRuntime(executable: string = process.execPath, isNode: boolean = process.versions['bun'] === undefined): RunningRuntime {
  const file = realpathSync.native(executable)
  const bin = path.dirname(file)
  const prefix = path.dirname(bin)
  const isInPrefix = isNode && path.basename(file).startsWith('node') && path.basename(bin) === 'bin' && prefix !== '/'
  return { source: isInPrefix ? prefix : file, bin }
}
