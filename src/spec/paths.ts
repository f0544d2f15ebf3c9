/** Whether one path is the other or lies below it; both absolute and normal. */
export function isWithin(inner: string, outer: string): boolean {
  return inner === outer || inner.startsWith(outer.endsWith('/') ? outer : `${outer}/`)
}

/** The directories above a target, the nearest first, without the root. */
export function parentsOf(target: string): string[] {
  const parents: string[] = []
  for (let end = target.lastIndexOf('/'); end > 0; end = target.lastIndexOf('/', end - 1)) parents.push(target.slice(0, end))
  return parents
}

/** Component by component, so that /a/b comes straight after /a and before /a-b. */
export function sortedByTarget<T>(values: readonly T[], targetOf: (value: T) => string): T[] {
  const keyed = values.map((value) => ({ value, key: targetOf(value).replaceAll('/', '\0') }))
  keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
  return keyed.map(({ value }) => value)
}
