import type { RecordedFiles } from './seen-files.ts'
import { useNames } from './seen-files.ts'

/** A difference in how two runs used a path. */
export interface FileDifference {
  /** The field of the spec, as `inputs.src`. Empty for the root itself. */
  readonly entry: string
  /** In the session. */
  readonly path: string
  /** The uses of the first run only, in the words of `RecordedUse`. */
  readonly before: readonly string[]
  readonly after: readonly string[]
}

/**
 * Compares what two runs looked up, by entry and then by path. A tmpfs(4), as /tmp is one, begins empty: a run finds nothing there that it did not
 * make, often by names that it draws by lot, so those paths are left out.
 */
export function filesDiff(before: RecordedFiles, after: RecordedFiles): readonly FileDifference[] {
  const [first, second] = [usesOf(before), usesOf(after)]
  const paths = [...new Set([...first.keys(), ...second.keys()])]
  const differences = paths.flatMap((path): FileDifference[] => {
    const [one, other] = [first.get(path), second.get(path)]
    const only = (uses: readonly string[] = [], others: readonly string[] = []): readonly string[] => uses.filter((use) => !others.includes(use))
    const [gone, come] = [only(one?.uses, other?.uses), only(other?.uses, one?.uses)]
    return gone.length === 0 && come.length === 0 ? [] : [{ entry: (one ?? other)?.entry ?? '', path, before: gone, after: come }]
  })
  const keyOf = ({ entry, path }: FileDifference): string => `${entry}\0${path}`
  return differences.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
}

function usesOf({ entries }: RecordedFiles): ReadonlyMap<string, { readonly entry: string; readonly uses: readonly string[] }> {
  const found = new Map<string, { entry: string; uses: string[] }>()
  for (const use of entries.filter(({ kind }) => kind !== 'tmpfs')) {
    for (const name of useNames) {
      for (const path of use[name].paths) {
        const known = found.get(path) ?? { entry: use.entry, uses: [] }
        found.set(path, known)
        known.uses.push(name)
      }
    }
  }
  return found
}
