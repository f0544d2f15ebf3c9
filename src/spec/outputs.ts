import type { Identity, Mount } from './plan-types.ts'

/** Whether a mount is a folder of the host that the build writes to. What is written in an overlay never comes to its source. */
export function isLent({ kind, source, writable }: Mount): boolean {
  return writable && source !== undefined && kind !== 'overlay'
}

/** A directory of the host by what it is, whatever its name. */
export function keyOf({ dev, ino }: Identity): string {
  return `${dev}:${ino}`
}

/** The keys of the directories that a session can write to. */
export function outputKeys(mounts: readonly Mount[]): string[] {
  return mounts.flatMap((mount) => (isLent(mount) && mount.identity !== undefined ? [keyOf(mount.identity)] : []))
}
