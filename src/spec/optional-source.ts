import { bare } from './bare.ts'
import type { Draft } from './field.ts'
import type { Source } from './fields/sources.ts'
import { isThere } from './source.ts'

export function pathOf(source: Source): string {
  return typeof source === 'string' ? source : source.path
}

/** Whether a source is optional and not there. The plan tells of it then. */
export function isLeftOut({ settled }: Draft, entry: string, source: Source): boolean {
  if (typeof source === 'string' || source.optional !== true || isThere(source.path)) return false
  settled.leftOut = Object.freeze([...settled.leftOut, bare({ entry, path: source.path })])
  return true
}
