// Which store paths something refers to: those whose hashes are found in its NAR.
import { isDigit } from './base32.mjs'
import { hashLength } from './store-path.mjs'

/** Looks for hashes in bytes that come in pieces. */
export class ReferenceScan {
  #wanted
  /** @type {Set<string>} */
  #found = new Set()
  #tail = Buffer.alloc(0)

  /** @param {Iterable<string>} hashes */
  constructor(hashes) {
    this.#wanted = new Set(hashes)
  }

  /** @param {Buffer} piece */
  add(piece) {
    // A hash may begin in the piece before.
    const bytes = Buffer.concat([this.#tail, piece])
    this.#search(bytes)
    this.#tail = Buffer.from(bytes.subarray(Math.max(0, bytes.length - hashLength + 1)))
  }

  /** @returns {ReadonlySet<string>} */
  get found() {
    return this.#found
  }

  /** @param {Buffer} bytes */
  #search(bytes) {
    for (let start = 0; start + hashLength <= bytes.length; ) {
      let at = start + hashLength - 1
      // From its end: the first byte that is no digit says how far to go.
      while (at >= start && isDigit[/** @type {number} */ (bytes[at])] === 1) at -= 1
      if (at >= start) {
        start = at + 1
        continue
      }
      const candidate = bytes.latin1Slice(start, start + hashLength)
      if (this.#wanted.has(candidate)) this.#found.add(candidate)
      start += 1
    }
  }
}
