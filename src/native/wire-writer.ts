/**
 * The packed form in which a plan and a job cross into native code (read by native/plan/wire_reader): one crossing,
 * and nothing of JavaScript is touched off its own thread. Little-endian; a string is its length in bytes and its bytes.
 */
export class WireWriter {
  #bytes: Uint8Array
  #length = 0

  constructor() {
    this.#bytes = spare ?? new Uint8Array(4096)
    spare = undefined
  }

  u8(value: number): this {
    this.#reserve(1)
    this.#bytes[this.#length] = value
    this.#length += 1
    return this
  }

  u32(value: number): this {
    this.#reserve(4)
    this.#write32(this.#length, value)
    this.#length += 4
    return this
  }

  u64(value: bigint): this {
    return this.u32(Number(BigInt.asUintN(32, value))).u32(Number(BigInt.asUintN(32, value >> 32n)))
  }

  string(value: string): this {
    // UTF-16 code units take three bytes at most.
    this.#reserve(4 + value.length * 3)
    const begin = this.#length + 4
    const size = writeAscii(value, this.#bytes, begin) ?? encoder.encodeInto(value, this.#bytes.subarray(begin)).written
    this.#write32(this.#length, size)
    this.#length = begin + size
    return this
  }

  bytes(values: Uint8Array): this {
    this.#reserve(values.length)
    this.#bytes.set(values, this.#length)
    this.#length += values.length
    return this
  }

  list<T>(values: readonly T[], write: (value: T) => void): this {
    this.u32(values.length)
    for (const value of values) write(value)
    return this
  }

  /** A copy; the buffer is the next writer's. */
  finish(): Uint8Array {
    this.#keep()
    return this.#bytes.slice(0, this.#length)
  }

  /** The buffer itself, which the next writer writes over: a copy takes longer than the writing. Its first four bytes become the size. */
  finishInPlace(): Uint8Array {
    this.#write32(0, this.#length)
    this.#keep()
    return this.#bytes
  }

  #keep(): void {
    if (this.#bytes.length <= mostKept) spare = this.#bytes
  }

  // By hand: a DataView takes longer to make than all that is written.
  #write32(at: number, value: number): void {
    const bytes = this.#bytes
    bytes[at] = value
    bytes[at + 1] = value >>> 8
    bytes[at + 2] = value >>> 16
    bytes[at + 3] = value >>> 24
  }

  #reserve(size: number): void {
    if (this.#length + size <= this.#bytes.length) return
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + size))
    larger.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = larger
  }
}

/** Native code copies the whole buffer of a job. A buffer of megabytes is therefore not kept for later jobs. */
const mostKept = 65_536
/** The buffer of the writer before. */
let spare: Uint8Array | undefined
const encoder = new TextEncoder()
/** For longer strings an encoder is faster, in spite of the call. */
const longestByHand = 64

/** The number of bytes; undefined when the value is not ASCII, or long. */
function writeAscii(value: string, bytes: Uint8Array, begin: number): number | undefined {
  if (value.length > longestByHand) return undefined
  for (let index = 0; index < value.length; index += 1) {
    const unit = value.charCodeAt(index)
    if (unit > 0x7f) return undefined
    bytes[begin + index] = unit
  }
  return value.length
}

/** Bumped when the layout changes, so that a stale addon refuses instead of misreading. Also in native/plan/plan.h. */
export const wireVersion = 14
