import { createHash } from 'node:crypto'

import { narOf } from './nar.mjs'
import { ReferenceScan } from './references.mjs'

/**
 * What is known of something in a store, by reading it once.
 * @param {string} path on the host
 * @param {Iterable<string>} hashes of the store paths that it could refer to
 * @returns {Promise<{ narHash: string, narSize: number, found: ReadonlySet<string> }>} `narHash` is sha256 in hexadecimal, `found` hashes
 */
export async function contentOf(path, hashes) {
  const hash = createHash('sha256')
  const scan = new ReferenceScan(hashes)
  let narSize = 0
  for await (const piece of narOf(path)) {
    hash.update(piece)
    scan.add(piece)
    narSize += piece.length
  }
  return { narHash: hash.digest('hex'), narSize, found: scan.found }
}
