import { createHash } from 'node:crypto'

import { narOf } from './nar.ts'
import { ReferenceScan } from './references.ts'

export interface Content {
  /** sha256 in hexadecimal. */
  readonly narHash: string
  /** In bytes. */
  readonly narSize: number
  /** Hashes of store paths. */
  readonly found: ReadonlySet<string>
}

/**
 * The NAR hash, the NAR size and the references of something in a store, by reading it once.
 * @param path on the host
 * @param hashes of the store paths that it could refer to
 */
export async function contentOf(path: string, hashes: Iterable<string>): Promise<Content> {
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
