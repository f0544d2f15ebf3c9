import type { Mount } from './plan-types.ts'

/** Whether a mount is a folder of the host that the build writes to. What is written in an overlay never comes to its source. */
export function isLent({ kind, source, writable }: Mount): boolean {
  return writable && source !== undefined && kind !== 'overlay'
}
