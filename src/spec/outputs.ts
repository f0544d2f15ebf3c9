import { isWithin } from './paths.ts'
import type { Identity, Mount, Plan } from './plan-types.ts'

/** Whether a mount is a folder of the host that the build writes to. What is written in an overlay reaches its source only by `applyChanges`. */
export function isLent(mount: Mount): boolean {
  return mount.writable && mount.source !== undefined && !isThrownAway(mount)
}

/** Whether a mount is an input that the build writes to and whose changes go with the session: an overlay, or the copy that stands for one. */
export function isThrownAway({ kind }: Mount): boolean {
  return kind === 'overlay' || kind === 'copy'
}

/** The input around the working directory that the build writes to and that is thrown away: with `run --here`, the project. */
export function projectIn({ mounts, cwd }: Pick<Plan, 'mounts' | 'cwd'>): Mount | undefined {
  return mounts.filter((mount) => isThrownAway(mount) && isWithin(cwd, mount.target)).toSorted((a, b) => b.target.length - a.target.length)[0]
}

/** A directory of the host by what it is, whatever its name. */
export function keyOf({ dev, ino }: Identity): string {
  return `${dev}:${ino}`
}

/** The keys of the directories that a session can write to. */
export function outputKeys(mounts: readonly Mount[]): string[] {
  return mounts.flatMap((mount) => (isLent(mount) && mount.identity !== undefined ? [keyOf(mount.identity)] : []))
}
