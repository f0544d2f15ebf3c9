/**
 * The same plain data, frozen in every part, in objects that inherit nothing: where a part lacks an optional member, it reads as
 * undefined also when Object.prototype was given one of that name. Parts that were made here before are taken as they are.
 */
export function bare<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return Object.isFrozen(value) ? value : (Object.freeze(value.map(bare)) as T)
  if (Object.isFrozen(value) && Object.getPrototypeOf(value) === null) return value
  const copy = Object.create(null) as Record<string, unknown>
  for (const [key, part] of Object.entries(value)) copy[key] = bare(part)
  return Object.freeze(copy) as T
}
