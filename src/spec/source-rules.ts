import { isWithin } from './paths.ts'
import type { Mount } from './plan-types.ts'
import { refusal } from './refusal.ts'

/**
 * Refuses sources that would show the whole host or other sessions, or that would be written through two mounts.
 * @throws SpecError
 */
export function refuseSources(mounts: readonly Mount[], stateDirectory: string): void {
  const writable = new Map<string, string>()
  for (const { entry, source, writable: isWritable } of mounts) {
    if (source === undefined) continue
    if (source === '/') throw refusal('ERR_BUILDJAIL_SOURCE_IS_ROOT', entry, 'the root of the host cannot be shown', source)
    if (isWithin(source, stateDirectory) || isWithin(stateDirectory, source)) {
      throw refusal(
        'ERR_BUILDJAIL_SOURCE_IN_STATE_DIRECTORY',
        entry,
        `${source} holds or lies in the state directory ${stateDirectory}`,
        source,
      )
    }
    if (!isWritable) continue
    const other = writable.get(source)
    if (other !== undefined) {
      throw refusal('ERR_BUILDJAIL_SOURCE_WRITABLE_TWICE', entry, `${source} is writable already, by ${other}`, source)
    }
    writable.set(source, entry)
  }
}
