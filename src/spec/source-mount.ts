import { bare } from './bare.ts'
import { identityOf } from './identity.ts'
import type { Mount } from './plan-types.ts'
import { refusal } from './refusal.ts'
import { sourceAt, type Source } from './source.ts'

/** @throws SpecError when the source is not there, or is neither a directory nor a regular file. */
export function inputMount(entry: string, declared: string, target: string): Mount {
  const source = sourceAt(declared, entry)
  const isDirectory = source.stats.isDirectory()
  // A socket, a FIFO or a device would lead out of the session.
  if (!isDirectory && !source.stats.isFile()) {
    throw refusal('ERR_BUILDJAIL_SOURCE_UNFIT', entry, `${declared} is neither a directory nor a regular file`, declared)
  }
  return mountOf(source, isDirectory ? 'bind' : 'file', entry, target, false)
}

/** @throws SpecError when the source is not there, or is not a directory. */
export function outputMount(entry: string, declared: string, target: string): Mount {
  const source = sourceAt(declared, entry)
  if (!source.stats.isDirectory()) throw refusal('ERR_BUILDJAIL_SOURCE_UNFIT', entry, `${declared} is not a directory`, declared)
  return mountOf(source, 'bind', entry, target, true)
}

function mountOf({ path, stats }: Source, kind: 'bind' | 'file', entry: string, target: string, writable: boolean): Mount {
  return bare({ kind, target, source: path, identity: identityOf(stats), writable, entry })
}
