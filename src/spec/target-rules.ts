import path from 'node:path'

import { parentsOf } from './paths.ts'
import type { Link, Mount } from './plan-types.ts'
import { refusal } from './refusal.ts'

/**
 * Refuses a path inside that could be read in two ways.
 * @throws SpecError
 */
export function refuseTarget(entry: string, target: string): void {
  if (!target.startsWith('/')) throw refusal('ERR_BUILDJAIL_TARGET_NOT_ABSOLUTE', entry, `${target} is not absolute`, target)
  const plain = path.posix.normalize(target) === target && (target === '/' || !target.endsWith('/'))
  if (!plain || target.split('/').includes('..')) {
    throw refusal('ERR_BUILDJAIL_TARGET_NOT_NORMAL', entry, `${target} is not a normalised path`, target)
  }
}

/**
 * Refuses two things at one target, and a target below what is mounted: buildjail makes no directories in mounts, its own tmpfs
 * excepted.
 * @throws SpecError
 */
export function refuseTargets(mounts: readonly Mount[], links: readonly Link[]): void {
  const taken = new Map<string, string>(links.map((link) => [link.path, 'toolchain']))
  const closed = new Map<string, string>(taken)
  for (const { entry, target, kind } of mounts) {
    refuseTarget(entry, target)
    if (target === '/') throw refusal('ERR_BUILDJAIL_TARGET_NOT_NORMAL', entry, 'nothing can be mounted on the root itself', target)
    const twin = taken.get(target)
    if (twin !== undefined) {
      const [named, other] = callersFirst(entry, twin)
      throw refusal('ERR_BUILDJAIL_TARGET_DUPLICATE', named, `${target} is the target of ${other} too`, target)
    }
    taken.set(target, entry)
    if (kind !== 'tmpfs') closed.set(target, entry)
  }
  const below = [...links.map((link) => ({ entry: 'toolchain', target: link.path })), ...mounts]
  for (const { entry, target } of below) {
    for (const parent of parentsOf(target)) {
      const above = closed.get(parent)
      if (above === undefined) continue
      const [named] = callersFirst(entry, above)
      throw refusal('ERR_BUILDJAIL_TARGET_BELOW_BIND', named, `${target} (${entry}) lies below ${parent} (${above})`, target)
    }
  }
}

const own: ReadonlySet<string> = new Set(['toolchain', 'tmpfs', 'dev', 'proc'])

/** Of two entries in conflict, the one that the caller wrote comes first: the caller can change it. */
function callersFirst(a: string, b: string): [string, string] {
  return own.has(a) && !own.has(b) ? [b, a] : [a, b]
}
