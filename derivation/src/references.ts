// Which store paths something refers to: those whose hashes are found in its NAR.
import { isDigit } from './base32.ts'
import { hashLength } from './store-path.ts'

/** Looks for hashes in bytes that come in pieces. */
export class ReferenceScan {
  readonly #wanted: ReadonlySet<string>
  readonly #found = new Set<string>()
  #tail: Buffer = Buffer.alloc(0)

  constructor(hashes: Iterable<string>) {
    this.#wanted = new Set(hashes)
  }

  add(piece: Buffer): void {
    // A hash may begin in the piece before.
    const bytes = Buffer.concat([this.#tail, piece])
    this.#search(bytes)
    this.#tail = Buffer.from(bytes.subarray(Math.max(0, bytes.length - hashLength + 1)))
  }

  get found(): ReadonlySet<string> {
    return this.#found
  }

  #search(bytes: Buffer): void {
    for (let start = 0; start + hashLength <= bytes.length; ) {
      let at = start + hashLength - 1
      // From its end: the first byte that is no digit says how far to go.
      while (at >= start && isDigit[bytes[at] as number] === 1) at -= 1
      if (at >= start) {
        start = at + 1
        continue
      }
      const candidate = bytes.toString('latin1', start, start + hashLength)
      if (this.#wanted.has(candidate)) this.#found.add(candidate)
      start += 1
    }
  }
}
