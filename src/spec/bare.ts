/**
 * A copy of plain data, frozen in every part, in objects that inherit nothing. An optional member that a part lacks reads as undefined,
 * even if Object.prototype was given a member of that name. Parts that this function made before are not copied again.
 */
export function bare<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return Object.isFrozen(value) ? value : (Object.freeze(value.map(bare)) as T)
  if (Object.isFrozen(value) && Object.getPrototypeOf(value) === null) return value
  const copy = Object.create(null) as Record<string, unknown>
  for (const [key, part] of Object.entries(value)) copy[key] = bare(part)
  return Object.freeze(copy) as T
}
