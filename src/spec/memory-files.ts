import { totalmem } from 'node:os'

import { bare } from './plain-data.ts'
import { invalid } from './check.ts'
import type { JsonSchema } from './field.ts'
import type { Mount } from './plan-types.ts'
import { bytesSchema, readBytes } from './units.ts'

// File systems in memory: tmpfs(4), tmpfs(5).

export const page: number = 4096
const fewestFiles = 1024
/** In bytes. */
export const leastTmpfs: number = page

export function readTmpfsSize(given: unknown, entry: string): number {
  return readBytes(given, entry, leastTmpfs)
}

export const tmpfsSizeSchema: JsonSchema = bytesSchema(leastTmpfs)

/** @param files undefined: one for each page, and some for a small one */
export function tmpfsMount(target: string, size: number, files: number | undefined, entry: string): Mount {
  return bare({ kind: 'tmpfs', target, writable: true, size, files: files ?? Math.max(Math.floor(size / page), fewestFiles), entry })
}

/**
 * In whole pages. What lies in files in memory must leave some of a limit of memory, without which nothing could take it away again.
 */
export function halfOf(memory: number = Infinity): number {
  return Math.max(Math.floor(memory / 2 / page) * page, page)
}

/** Bytes of all of them together. */
export function sizeOfAll(mounts: readonly Mount[]): number {
  return mounts.reduce((sum, { kind, size = 0 }) => (kind === 'tmpfs' ? sum + size : sum), 0)
}

/**
 * What others leave of half of the memory, for /tmp.
 * @param asked bytes, where the caller says how many
 * @throws SpecError when that is not enough
 */
export function roomForTmp(taken: number, half: number, asked: number | undefined): number {
  const room = half - taken
  // defence: file-systems-memory-take
  if (taken > 0 && room < (asked ?? page)) {
    throw invalid('tmpfs', `takes ${taken} bytes, and with ${asked ?? page} of /tmp that is more than half of the memory, ${half} bytes`)
  }
  return room
}

/** Found once: both numbers are read from files. */
let memory: number | undefined

/** Bytes, of the host or of the container that this program is in. */
export function hostMemory(): number {
  memory ??= Math.min(process.constrainedMemory() || Infinity, totalmem())
  return memory
}
