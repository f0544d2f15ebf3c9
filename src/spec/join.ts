import { bare } from './bare.ts'

/** What has names: each name of the command line is added, or in place of the file's. */
export function joinedByName<Value extends object>(ofFile: Value, given: Value): Value {
  return bare<Value>({ ...ofFile, ...given })
}

/** The file's come first. */
export function joinedLists<Item>(ofFile: readonly Item[], given: readonly Item[]): readonly Item[] {
  return [...ofFile, ...given]
}

/** As `joinedLists`, each once. */
export function joinedSets<Item>(ofFile: readonly Item[], given: readonly Item[]): readonly Item[] {
  return [...new Set([...ofFile, ...given])]
}
