/**
 * The own enumerable fields of an object, each read once. Whatever the object does afterwards, the copy stays as it is:
 * a getter or a proxy that would answer differently the second time is not asked a second time. The copy inherits nothing, so a
 * field that is missing in the object is missing in the copy, even if Object.prototype was given a field of that name.
 * Fields under symbols are not copied. An error of a getter or a proxy passes through.
 */
export function ownCopy<T extends object>(given: T): T {
  const copy = Object.create(null) as T
  for (const key of Object.keys(given) as (keyof T & string)[]) {
    // A getter that ran before may have deleted this field, and an inherited one would be read instead.
    if (Object.hasOwn(given, key)) copy[key] = given[key]
  }
  return copy
}

/**
 * The elements of a list, each read once. Undefined when the list has a hole: one reader would take it for undefined, another for
 * zero, and a third would read what Array.prototype has under its number.
 */
export function ownList(given: readonly unknown[]): unknown[] | undefined {
  const { length } = given
  const copy: unknown[] = []
  for (let index = 0; index < length; index += 1) {
    if (!Object.hasOwn(given, index)) return undefined
    copy.push(given[index])
  }
  return copy
}

/** Inherits nothing either. Objects made from it are quicker to read than objects made from null. */
const nothing: object = Object.freeze(Object.create(null) as object)

/**
 * A frozen copy of plain data in an object that inherits nothing. An optional member that it lacks reads as undefined, even if
 * Object.prototype was given a member of that name. Objects and lists in it are not copied.
 */
export function bare<T extends object>(data: T): T {
  return Object.freeze(Object.assign(Object.create(nothing) as T, data))
}
