// Comparing what is on the host with what was.

/** What may be left, by kind. The table has them in this order. */
export const leakKinds = ['mounts', 'jails', 'dying jails', 'rctl rules', 'cgroups', 'state files', 'processes', 'lent outputs', 'descriptors']

/** @typedef {Readonly<Record<string, readonly string[]>>} Census each thing by a name of its own */

/**
 * What is there now and was not before.
 * @param {Census} before
 * @param {Census} now
 * @returns {Record<string, string[]>}
 */
export function newIn(before, now) {
  const kinds = Object.keys(now).map((kind) => [kind, moreOf(before[kind] ?? [], now[kind])])
  return Object.fromEntries(kinds.filter(([, names]) => names.length > 0))
}

/** What a list has that another had not, or not so often: a mount point may be there several times. */
export function moreOf(before, now) {
  const left = [...before]
  return now.filter((name) => {
    const index = left.indexOf(name)
    if (index >= 0) left.splice(index, 1)
    return index < 0
  })
}

/**
 * What of it is there still. Anything that came later is not of sessions that were over, but of somebody else on the host.
 * @param {Record<string, readonly string[]>} found
 * @param {Census} now
 * @returns {Record<string, string[]>}
 */
export function stillIn(found, now) {
  const kinds = Object.entries(found).map(([kind, names]) => [kind, names.filter((name) => now[kind].includes(name))])
  return Object.fromEntries(kinds.filter(([, names]) => names.length > 0))
}

/** Adds what was found to the numbers of each kind. */
export function addTo(counts, found) {
  for (const [kind, names] of Object.entries(found)) counts[kind] = (counts[kind] ?? 0) + names.length
}
