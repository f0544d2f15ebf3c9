import { totalmem } from 'node:os'

/** Bytes, of the host or of the container that this program is in. */
export function hostMemory(): number {
  const constrained = process.constrainedMemory()
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()
}
