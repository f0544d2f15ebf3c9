import { isEmptySource } from './excluded.ts'
import { isLent } from './outputs.ts'
import { isWithin, parentsOf } from './paths.ts'
import type { Mount } from './plan-types.ts'
import { refusal } from './check.ts'

/**
 * Refuses sources that would show the whole host or other sessions, or that would be written through two mounts.
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
 * A build could change what it reads by an output around it. An output inside an input is another matter: it is what the caller asked for,
 * as with a project and its folder of results.
 */
function refuseOutputsAround(mounts: readonly Mount[], writable: ReadonlyMap<string, string>): void {
  if (writable.size === 0) return
  for (const mount of mounts) {
    const { entry, source } = mount
    if (source === undefined) continue
    for (const outer of [...(isLent(mount) ? [] : [source]), ...parentsOf(source)]) {
      const output = writable.get(outer)
      // defence: output-lies-around-no
      if (output === undefined) continue
      const how = outer === source ? 'is' : 'lies around'
      throw refusal('ERR_BUILDJAIL_OUTPUT_AROUND_SOURCE', output, `${outer} ${how} ${source}, the source of ${entry}, which the build could change by it; on FreeBSD it could also move a directory out of what is mounted there, from which ".." leads to the root of the host`, outer)
    }
  }
}
