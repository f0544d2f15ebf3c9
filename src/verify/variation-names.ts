import { invalid } from '../spec/check.ts'
import { orNearest, readable } from '../spec/messages.ts'

/** What differs between the builds of a verification, in the order of the reports. */
export const variationNames = ['host-name', 'user-ids', 'processors', 'process-ids', 'input-times', 'directory-order', 'environment', 'tmp-path', 'build-path'] as const

/** `build-path` is varied only if `only` names it. */
export type VariationName = (typeof variationNames)[number]

/** At least two builds are compared. */
export const mostBuilds = 16

/** @throws SpecError naming the entry */
export function readVariation(given: unknown, entry: string): VariationName {
  const name = variationNames.find((one) => one === given)
  if (name === undefined) throw invalid(entry, `${readable(String(given))} is no variation; there are ${variationNames.join(', ')}${orNearest(String(given), variationNames)}`)
  return name
}
