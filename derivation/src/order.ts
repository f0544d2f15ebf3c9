const surrogate = /[\ud800-\udfff]/

/** The order of the bytes in UTF-8, in which Nix and Guix sort everything. Strings compare by UTF-16, where surrogates are too low. */
export function byBytes(one: string, other: string): number {
  if (surrogate.test(one) || surrogate.test(other)) return Buffer.compare(Buffer.from(one), Buffer.from(other))
  return one < other ? -1 : Number(one > other)
}
