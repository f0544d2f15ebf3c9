import type { SpecError } from '../errors.ts'
import { refuseWithoutPoint, showsFolder } from './nesting.ts'
import { callersFirst, refusal } from './check.ts'
import { parentsOf } from './paths.ts'
import type { Link, Mount, PlannedFile } from './plan-types.ts'

/** A component that has no name: between two slashes, or behind the last one. */
const emptyOrDots = /\/\.{0,2}(?:\/|$)/

/**
 * Refuses a path inside that could be read in two ways.
 * @throws SpecError
 */
export function refuseTarget(entry: string, target: string): void {
  if (!target.startsWith('/')) throw refusal('ERR_BUILDJAIL_TARGET_NOT_ABSOLUTE', entry, `${target} is not absolute`, target)
  // defence: targets-normal-paths-without
  if (target !== '/' && emptyOrDots.test(target)) {
    throw refusal('ERR_BUILDJAIL_TARGET_NOT_NORMAL', entry, `${target} is not a normalised path`, target)
  }
}

/**
 * Refuses two things at one target, and a target below what is mounted where there is no mount point for it.
 * @throws SpecError
 */
export function refuseTargets(mounts: readonly Mount[], links: readonly Link[], files: readonly PlannedFile[]): void {
  /** What nothing can lie in: links and files of the root's own. */
  const closed = new Map<string, string>(links.map((link) => [link.path, 'toolchain']))
  for (const { path: target, entry } of files) {
    const twin = closed.get(target)
    if (twin !== undefined) throw refusal('ERR_BUILDJAIL_TARGET_DUPLICATE', entry, `${target} is the target of ${twin} too`, target)
    closed.set(target, entry)
  }
  const byTarget = new Map<string, Mount>()
  for (const mount of mounts) {
    const { entry, target } = mount
    refuseTarget(entry, target)
    if (target === '/') throw refusal('ERR_BUILDJAIL_TARGET_NOT_NORMAL', entry, 'nothing can be mounted on the root itself', target)
    const twin = byTarget.get(target)?.entry ?? closed.get(target)
    if (twin !== undefined) {
      const [named, other] = callersFirst(entry, twin)
      throw refusal('ERR_BUILDJAIL_TARGET_DUPLICATE', named, `${target} is the target of ${other} too`, target)
    }
    byTarget.set(target, mount)
  }
  for (const mount of mounts) {
    for (const parent of parentsOf(mount.target)) {
      const above = closed.get(parent)
      if (above !== undefined) throw below(mount, { entry: above, target: parent })
      const outer = byTarget.get(parent)
      if (outer === undefined) continue
      // defence: nothing-mounted-no-mount
      refuseIn(outer, mount)
      break
    }
  }
  for (const [target, entry] of closed) {
    for (const parent of parentsOf(target)) {
      const above = closed.get(parent)
      if (above !== undefined) throw below({ entry, target }, { entry: above, target: parent })
      const outer = byTarget.get(parent)
      if (outer === undefined || outer.kind === 'tmpfs') continue
      // What is in a folder that is listed is mounted there, or a link.
      if (outer.kind === 'listed' && entry === 'toolchain') continue
      throw below({ entry, target }, outer)
    }
  }
}

function refuseIn(outer: Mount, inner: Mount): void {
  if (outer.kind === 'tmpfs' || (outer.kind === 'listed' && outer.entry === inner.entry)) return
  if (outer.kind !== 'listed' && !showsFolder(outer)) throw below(inner, outer)
  refuseWithoutPoint(outer, inner)
}

function below(inner: Place, outer: Place): SpecError {
  const [named] = callersFirst(inner.entry, outer.entry)
  return refusal('ERR_BUILDJAIL_TARGET_BELOW_BIND', named, `${inner.target} (${inner.entry}) lies below ${outer.target} (${outer.entry})`, inner.target)
}

type Place = Pick<Mount, 'entry' | 'target'>
