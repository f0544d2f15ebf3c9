import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'

import { DerivationError } from './errors.mjs'

/** @typedef {import('./registry.mjs').Registered} Registered */

/**
 * Whether an output whose content was known before is that.
 * @param {string} name
 * @param {string} file on the host
 * @param {import('./aterm.mjs').Output} output
 * @param {Registered} brought
 * @throws DerivationError
 */
export async function checkOutput(name, file, { method, hash }, { narHash, references }) {
  if (method === '') return
  const actual = method === 'r:sha256' ? narHash : await flatHash(name, file)
  if (actual !== hash) throw new DerivationError(`its output ${name} should have the hash ${hash}, and has ${actual}`)
  // Its path says nothing of them.
  if (references.length > 0) throw new DerivationError(`its output ${name} is fixed, and refers to ${references.join(' and ')}`)
}

/**
 * @param {string} name
 * @param {string} file
 */
async function flatHash(name, file) {
  const stats = await lstat(file)
  if (!stats.isFile() || (stats.mode & 0o111) !== 0) throw new DerivationError(`its output ${name} has to be a file that is not executable`)
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}

/**
 * Outputs of one derivation may refer to each other, but not in a circle: none could be had without the others.
 * @param {ReadonlyMap<string, Registered>} entries
 * @throws DerivationError
 */
export function refuseCycles(entries) {
  const left = new Map([...entries].map(([path, { references }]) => [path, references.filter((other) => other !== path && entries.has(other))]))
  for (;;) {
    const free = [...left].filter(([, references]) => !references.some((other) => left.has(other)))
    for (const [path] of free) left.delete(path)
    if (left.size === 0) return
    if (free.length === 0) throw new DerivationError(`its outputs refer to each other in a circle: ${[...left.keys()].join(' ')}`)
  }
}
