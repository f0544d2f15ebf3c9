import { isEmptySource } from './excluded.ts'
import { isLent, isThrownAway } from './outputs.ts'
import { isWithin, parentsOf } from './paths.ts'
import type { SpecError } from '../errors.ts'
import { asking, specText } from './messages.ts'
import type { Mount } from './plan-types.ts'
import type { Spec } from './fields.ts'
import { systemFolders } from './system-layout.ts'
import { invalid, refusal } from './check.ts'

/**
 * Refuses sources that would show the whole host or other sessions, or that would be written through two mounts, and outputs that other programs need.
 * @throws SpecError
 */
export function refuseSources(mounts: readonly Mount[], stateDirectory: string): void {
  const writable = new Map<string, string>()
  for (const mount of mounts) {
    const { entry, source } = mount
    if (source === undefined || isEmptySource(source, stateDirectory)) continue
    // defence: root-host-no-source
    if (source === '/') throw refusal('ERR_BUILDJAIL_SOURCE_IS_ROOT', entry, 'the root of the host cannot be shown', source)
    // defence: state-directory-not-shown
    if (isWithin(source, stateDirectory) || isWithin(stateDirectory, source)) {
      throw refusal(
        'ERR_BUILDJAIL_SOURCE_IN_STATE_DIRECTORY',
        entry,
        `${source} holds or lies in the state directory ${stateDirectory}`,
        source,
      )
    }
    if (!isLent(mount)) continue
    // All that is in an output changes its owner while a session of root's is open.
    if (systemFolders.has(source)) throw refusal('ERR_BUILDJAIL_SOURCE_UNFIT', entry, `${source} is a folder of the host's system, and what is in an output can change its owner; name a folder for it alone`, source)
    const other = writable.get(source)
    // defence: folder-writable-once-session
    if (other !== undefined) {
      throw refusal('ERR_BUILDJAIL_SOURCE_WRITABLE_TWICE', entry, `${source} is writable already, by ${other}`, source)
    }
    writable.set(source, entry)
  }
  refuseOutputsAround(mounts, writable)
}

/**
 * A build could change what it reads by an output around it. On FreeBSD it could also move a directory out of what is mounted there, from which ".."
 * leads to the root of the host. An output inside an input is another matter: it is what the caller asked for,
 * as with a project and its folder of results.
 */
function refuseOutputsAround(mounts: readonly Mount[], writable: ReadonlyMap<string, string>): void {
  if (writable.size === 0) return
  for (const mount of mounts) {
    const { source } = mount
    if (source === undefined) continue
    for (const outer of [...(isLent(mount) ? [] : [source]), ...parentsOf(source)]) {
      const output = writable.get(outer)
      // defence: output-lies-around-no
      if (output === undefined) continue
      throw outputAround(output, outer, mount, source)
    }
  }
}

/**
 * The mounts by which a session shows a folder of the host. Where something else is mounted over it, such as what an input excludes, it is not
 * shown.
 */
export function mountsShowing(folder: string, mounts: readonly Mount[]): Mount[] {
  return mounts.filter((mount) => {
    const { source, target, missingIn, writable } = mount
    // What is missing and excluded is made to be covered.
    if (source === undefined || !isWithin(folder, source) || (missingIn !== undefined && !writable)) return false
    const place = target + folder.slice(source.length)
    return mounts.findLast((one) => isWithin(place, one.target)) === mount
  })
}

/**
 * Refuses to keep what is left of a session in a folder that it shows. The copy of an overlay would be in the overlay, and so copy itself until
 * the disk is full; and a later build could read or change what is kept.
 * @throws SpecError
 */
export function refuseKept(keep: string | undefined, mounts: readonly Mount[]): void {
  const [around] = keep === undefined ? [] : mountsShowing(keep, mounts)
  // defence: nothing-kept-in-shown
  if (around !== undefined) throw invalid('keep', `${keep} lies in ${around.source}, which the session shows, so that ${isThrownAway(around) ? 'a copy would be in what is copied' : 'a later build could read it'}; name a folder elsewhere${around.entry.startsWith('inputs.') ? ', or exclude it from that input' : ''}`)
}

function outputAround(output: string, outer: string, mount: Mount, source: string): SpecError {
  const { entry, target } = mount
  const refused = (message: string): SpecError => refusal('ERR_BUILDJAIL_OUTPUT_AROUND_SOURCE', output, message, outer)
  if (outer !== source) return refused(`${outer} lies around ${source} (${entry}), which the build could change by it`)
  const writable: Spec = { outputs: { [target]: source } }
  const unkept: Spec = { inputs: { [target]: { path: source, overlay: true } } }
  const isAlternative = !isThrownAway(mount)
  const remedy = `${specText(writable)} in place of both keeps what the build writes there${isAlternative ? `, and ${specText(unkept)} in place of both keeps nothing of it` : ''}`
  return asking(refused(`${outer} is an input as well (${entry}), which the build could change by it; remedy: ${remedy}`), writable, ...(isAlternative ? [unkept] : []))
}
