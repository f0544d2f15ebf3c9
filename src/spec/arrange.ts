import { bare } from './bare.ts'
import type { Draft } from './field.ts'
import { parentsOf, sortedByTarget } from './paths.ts'
import type { Link, Mount, Plan } from './plan-types.ts'
import { refuseSources } from './source-rules.ts'
import { refuseTarget, refuseTargets } from './target-rules.ts'

/**
 * The plan of a draft: its parts fit together and are in order.
 * @throws SpecError
 */
export function arranged({ platform, settled, mounts: unordered, links }: Draft): Plan {
  const mounts = sortedByTarget(unordered, ({ target }) => target)
  refuseSources(mounts, settled.stateDirectory)
  refuseTargets(mounts, links)
  refuseTarget('cwd', settled.cwd)
  const directories = directoriesOf(mounts, links)
  return bare<Plan>({
    version: 1,
    platform,
    ...settled,
    env: bare(settled.env),
    mounts: Object.freeze(mounts),
    links: Object.freeze(links),
    directories: Object.freeze(directories),
  })
}

function directoriesOf(mounts: readonly Mount[], links: readonly Link[]): string[] {
  const all = new Set<string>()
  const addParents = (target: string): void => {
    for (const parent of parentsOf(target)) all.add(parent)
  }
  for (const { target, kind } of mounts) {
    addParents(target)
    if (kind !== 'file') all.add(target)
  }
  for (const link of links) addParents(link.path)
  return sortedByTarget([...all], (directory) => directory)
}
