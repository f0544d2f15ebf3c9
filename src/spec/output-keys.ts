import { isLent } from './lent.ts'
import type { Identity, Mount } from './plan-types.ts'

/** A directory of the host by what it is, whatever its name. */
export function keyOf({ dev, ino }: Identity): string {
  return `${dev}:${ino}`
}

/** The keys of the directories that a session can write to. */
export function outputKeys(mounts: readonly Mount[]): string[] {
  return mounts.flatMap((mount) => (isLent(mount) && mount.identity !== undefined ? [keyOf(mount.identity)] : []))
}
