import { bare } from './bare.ts'
import { identityOf } from './identity.ts'
import type { Mount } from './plan-types.ts'
import { refusal } from './refusal.ts'
import { resolved, statOf } from './source.ts'

/** @throws SpecError when the source is not there, or is neither a directory nor a regular file. */
export function inputMount(entry: string, declared: string, target: string): Mount {
  const stats = statOf(declared, entry)
  const isDirectory = stats.isDirectory()
  // A socket, a FIFO or a device would lead out of the session.
  if (!isDirectory && !stats.isFile()) {
    throw refusal('ERR_BUILDJAIL_SOURCE_UNFIT', entry, `${declared} is neither a directory nor a regular file`, declared)
  }
  const [kind, source] = [isDirectory ? 'bind' : 'file', resolved(declared, entry)] as const
  return bare({ kind, target, source, identity: identityOf(stats), writable: false, entry })
}

/** @throws SpecError when the source is not there, or is not a directory. */
export function outputMount(entry: string, declared: string, target: string): Mount {
  const stats = statOf(declared, entry)
  if (!stats.isDirectory()) throw refusal('ERR_BUILDJAIL_SOURCE_UNFIT', entry, `${declared} is not a directory`, declared)
  return bare({ kind: 'bind', target, source: resolved(declared, entry), identity: identityOf(stats), writable: true, entry })
}
