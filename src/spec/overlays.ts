import { isWithin } from './paths.ts'
import type { Mount } from './plan-types.ts'
import { refusal } from './refusal.ts'

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
