/** Entries of mounts that no field of a spec asked for by a path. */
const own: ReadonlySet<string> = new Set(['toolchain', 'tmpfs', 'dev', 'proc', 'etc'])

/** Of two entries in conflict, the one that the caller wrote comes first: the caller can change it. */
export function callersFirst(a: string, b: string): [string, string] {
  return own.has(a) && !own.has(b) ? [b, a] : [a, b]
}
