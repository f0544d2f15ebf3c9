import { callersFirst, invalid, refusal } from './check.ts'
import { host, type FileStatus } from './look.ts'
import { isThrownAway } from './outputs.ts'
import { isWithin, parentsOf } from './paths.ts'
import type { Mount } from './plan-types.ts'
import type { SpecError } from '../errors.ts'

/** Whether a mount shows a folder of the host, or a copy of one, so that what is below it lies in that folder. */
export function showsFolder(mount: Mount): boolean {
  return mount.kind === 'bind' || mount.kind === 'store' || isThrownAway(mount)
}

/** Says of a target whether its mount point is in a folder of the host, by way of a mount around it. */
export function inFoldersOf(mounts: readonly Mount[]): (target: string) => boolean {
  const folders = new Set(mounts.filter(showsFolder).map(({ target }) => target))
  return (target) => {
    for (const parent of parentsOf(target)) if (folders.has(parent)) return true
    return false
  }
}

/**
 * Refuses a mount inside another where it has no mount point. One is there in the source already, or the outer one is written to, so that
 * opening makes it, or it is the very folder of an output that is missing and will be made. Opening looks at it once more, by descriptor.
 * @throws SpecError `ERR_BUILDJAIL_TARGET_BELOW_BIND`
 */
export function refuseWithoutPoint(outer: Mount, inner: Mount): void {
  const { source = '' } = outer
  let at = source
  const refused = (why: string): SpecError =>
    refusal(
      'ERR_BUILDJAIL_TARGET_BELOW_BIND',
      callersFirst(inner.entry, outer.entry)[0],
      `${inner.target} (${inner.entry}) lies below ${outer.target} (${outer.entry}), which shows ${source}, and ${why}`,
      inner.target,
    )
  if (inner.source === undefined) throw refused(`no ${inner.kind} can be mounted in what is of the host`)
  if (inner.kind === 'listed') throw refused(`${inner.source} keeps the build user out, so that what is in it is shown one by one, for which there is no place`)
  const below = inner.target.slice(outer.target.length + 1)
  // defence: output-made-mount-point
  const isMadeThere = inner.missingIn !== undefined && inner.source === `${source}/${below}`
  const names = below.split('/')
  for (const [index, name] of names.entries()) {
    at = `${at}/${name}`
    const found = lookAt(at, inner.entry)
    const wanted = index === names.length - 1 && inner.kind === 'file' ? 'file' : 'folder'
    if (found === undefined) {
      if (outer.writable || isMadeThere) return
      throw refused(`there is no ${wanted} ${at} to mount it on; it is read-only, so make one first`)
    }
    if (!(wanted === 'file' ? found.isFile() : found.isDirectory())) {
      throw refused(`${at} is ${found.isSymbolicLink() ? 'a symbolic link' : `no ${wanted}`}; something is mounted on a ${wanted} only`)
    }
  }
}

/**
 * Refuses an addition around what a base has mounted already, which it would cover.
 * @throws SpecError `ERR_BUILDJAIL_TARGET_BELOW_BIND`
 */
export function refuseAround(base: readonly Mount[], all: readonly Mount[]): void {
  const earlier = new Set(base.map(({ target }) => target))
  const added = new Map(all.filter((mount) => showsFolder(mount) && !earlier.has(mount.target)).map((mount) => [mount.target, mount]))
  if (added.size === 0) return
  for (const { target, entry } of base) {
    for (const parent of parentsOf(target)) {
      const outer = added.get(parent)
      if (outer === undefined) continue
      throw refusal('ERR_BUILDJAIL_TARGET_BELOW_BIND', outer.entry, `${target} (${entry}) lies below ${parent} (${outer.entry}), and the base has it already`, parent)
    }
  }
}

function lookAt(path: string, entry: string): FileStatus | undefined {
  try {
    return host().lstatIfThere(path)
  } catch (error) {
    throw invalid(entry, `${path}, where it is to be mounted, cannot be looked at (${(error as NodeJS.ErrnoException).code ?? String(error)})`, error)
  }
}

/** Whose file system also holds what is written in overlays (native/linux/overlays.h). */
const tmp = '/tmp'

/**
 * Refuses an overlay that is added to a base with something mounted in /tmp: /tmp becomes a part of its own file system then.
 * @throws SpecError `ERR_BUILDJAIL_TARGET_BELOW_BIND`
 */
export function refuseOverlaysOnto(base: readonly Mount[], all: readonly Mount[]): void {
  const below = base.find(({ target }) => target !== tmp && isWithin(target, tmp))
  if (below === undefined) return
  const earlier = new Set(base.map(({ target }) => target))
  const added = all.find(({ kind, target }) => kind === 'overlay' && !earlier.has(target))
  if (added === undefined) return
  const why = `what is written in it takes of the room of ${tmp}, which cannot be shared out any more: the base has ${below.target} (${below.entry}) in there`
  throw refusal('ERR_BUILDJAIL_TARGET_BELOW_BIND', added.entry, `an overlay cannot be added, as ${why}`, added.target)
}
