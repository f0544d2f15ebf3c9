import { excludedMounts } from './excluded.ts'
import { bare } from './plain-data.ts'
import type { Draft } from './field.ts'
import { inFoldersOf } from './nesting.ts'
import { parentsOf, sortedByTarget } from './paths.ts'
import type { Link, Mount, Plan, PlannedFile } from './plan-types.ts'
import { withoutShutFolders } from './shut-folders.ts'
import { refuseKept, refuseSources } from './source-rules.ts'
import { refuseTarget, refuseTargets } from './target-rules.ts'
import { warningsOf } from './warnings.ts'

/**
 * The plan of a draft: its parts fit together and are in order.
 * @throws SpecError
 */
export function arranged({ platform, settled, mounts: declared, links: own, files: written, excluded }: Draft): Plan {
  // Linux shows such a folder to the build user as its own (native/linux/sources.h).
  const shown = platform === 'freebsd' ? withoutShutFolders(declared, own, settled) : { mounts: declared, links: own }
  const { mounts: unordered, links } = shown
  const mounts = sortedByTarget([...unordered, ...excludedMounts(excluded, unordered, settled.stateDirectory)], ({ target }) => target)
  refuseSources(mounts, settled.stateDirectory)
  const files = sortedByTarget(withoutCovered(written, mounts), ({ path }) => path)
  refuseTargets(mounts, links, files)
  refuseTarget('cwd', settled.cwd)
  refuseKept(settled.keep, mounts)
  const whose = { ...settled, platform }
  const directories = directoriesOf(mounts, links, files)
  return bare<Plan>({
    version: 1,
    platform,
    ...settled,
    env: bare(settled.env),
    path: Object.freeze([...settled.path]),
    leftOut: Object.freeze([...settled.leftOut]),
    mounts: Object.freeze(mounts),
    links: Object.freeze(links),
    files: Object.freeze(files),
    directories: Object.freeze(directories),
    warnings: Object.freeze(warningsOf(whose, mounts)),
  })
}

/** A file that is added to a base wins over one that the base has by default. */
function withoutCovered(files: readonly PlannedFile[], mounts: readonly Mount[]): PlannedFile[] {
  const covers = new Set(mounts.filter(({ kind }) => kind === 'file').map(({ target }) => target))
  return files.filter(({ path, entry }) => entry !== 'etc' || !covers.has(path))
}

function directoriesOf(mounts: readonly Mount[], links: readonly Link[], files: readonly PlannedFile[]): string[] {
  const all = new Set<string>()
  const addParents = (target: string): void => {
    for (const parent of parentsOf(target)) all.add(parent)
  }
  const isInFolder = inFoldersOf(mounts)
  for (const { target, kind } of mounts) {
    // Its mount point is in the source, or made there when a session opens.
    if (isInFolder(target)) continue
    addParents(target)
    if (kind !== 'file') all.add(target)
  }
  for (const { path } of [...links, ...files]) addParents(path)
  return sortedByTarget([...all], (directory) => directory)
}
