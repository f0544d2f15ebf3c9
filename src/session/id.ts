import { closeSync, openSync, readSync } from 'node:fs'

const idBytes = 8
// Filled for many sessions at once, as each filling is a system call.
const entropy = Buffer.alloc(idBytes * 256)
let entropyUsed = entropy.length

/** Of a session: 16 hexadecimal digits. */
export function newId(): string {
  if (entropyUsed === entropy.length) {
    fill(entropy)
    entropyUsed = 0
  }
  const id = entropy.toString('hex', entropyUsed, entropyUsed + idBytes)
  entropyUsed += idBytes
  return id
}

/** By random(4) itself, which every session has as well. To load node:crypto takes longer than to open a session. */
function fill(buffer: Buffer): void {
  const device = openSync('/dev/urandom', 'r')
  try {
    for (let filled = 0; filled < buffer.length; ) filled += readSync(device, buffer, filled, buffer.length - filled, null)
  } finally {
    closeSync(device)
  }
}
