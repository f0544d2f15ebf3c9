import type { Mount } from './plan.ts'

/** A directory of the host by what it is, whatever its name. */
export function keyOf({ dev, ino }: NonNullable<Mount['identity']>): string {
  return `${dev}:${ino}`
}

/** Those that a session can write to. */
export function outputKeys(mounts: readonly Mount[]): string[] {
  return mounts.flatMap(({ writable, identity }) => (writable && identity !== undefined ? [keyOf(identity)] : []))
}
