import { randomFillSync } from 'node:crypto'

const idBytes = 8
// Filled for many sessions at once, as each filling is a system call.
const entropy = Buffer.alloc(idBytes * 256)
let entropyUsed = entropy.length

/** Of a session: 16 hexadecimal digits. */
export function newId(): string {
  if (entropyUsed === entropy.length) {
    randomFillSync(entropy)
    entropyUsed = 0
  }
  const id = entropy.toString('hex', entropyUsed, entropyUsed + idBytes)
  entropyUsed += idBytes
  return id
}
