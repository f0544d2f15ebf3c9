/**
 * The own enumerable fields of an object, each read once. Whatever the object does afterwards, the copy stays as it is:
 * a getter or a proxy that answers differently the second time is not asked a second time. The copy inherits nothing, so a
 * field that is missing in it is missing, also where Object.prototype was given one of that name.
 * Fields under symbols are not copied. What a getter or a proxy throws passes through.
 */
export function ownCopy<T extends object>(given: T): T {
  const copy = Object.create(null) as T
  for (const key of Object.keys(given) as (keyof T & string)[]) {
    // A getter that ran before may have deleted this field; what is inherited would be read then.
    if (Object.hasOwn(given, key)) copy[key] = given[key]
  }
  return copy
}

/**
 * The elements of a list, each read once. Undefined when the list has a hole: a hole would be read as undefined here, as zero
 * there, and as what Array.prototype has under its number elsewhere.
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
