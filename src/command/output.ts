import { Readable } from 'node:stream'

import type { Sink } from './sink.ts'

/** One output stream of a command: keeps it for the result, and passes it on to sinks and to a Readable. */
export class Output {
  /** Undefined where nothing is kept. */
  readonly #maxBuffer: number | undefined
  readonly #sinks: Sink[] = []
  readonly #onOverflow: () => void
  #kept: Buffer[] = []
  #size = 0
  #readable: Readable | undefined
  #isOver = false

  /** @param maxBuffer bytes; undefined: the result has nothing of it */
  constructor(maxBuffer: number | undefined, onOverflow: () => void) {
    this.#maxBuffer = maxBuffer
    this.#onOverflow = onOverflow
  }

  /** All that comes from here on goes there, too. */
  tee(sink: Sink): void {
    this.#sinks.push(sink)
  }

  /** Everything that was kept. */
  get bytes(): Buffer {
    const [first] = this.#kept
    if (first === undefined || this.#kept.length > 1) this.#kept = [Buffer.concat(this.#kept, this.#size)]
    return this.#kept[0] as Buffer
  }

  /**
   * All that is kept, from the beginning, as it comes. A reader that is slow does not hold up the command: the result keeps the same bytes anyway.
   */
  readable(): Readable {
    if (this.#readable !== undefined) return this.#readable
    const readable = new Readable({ read: () => {} })
    this.#readable = readable
    for (const chunk of this.#kept) readable.push(chunk)
    if (this.#isOver) readable.push(null)
    return readable
  }

  /** Returns the sinks that should drain before more is written. */
  write(chunk: Buffer): readonly Sink[] {
    if (this.#maxBuffer !== undefined) this.#keep(chunk, this.#maxBuffer)
    return this.#sinks.filter((sink) => !sink.write(chunk))
  }

  /** Nothing comes any more. */
  async end(): Promise<void> {
    this.#isOver = true
    this.#readable?.push(null)
    await Promise.all(this.#sinks.map((sink) => sink.finish()))
  }

  #keep(chunk: Buffer, most: number): void {
    const room = most - this.#size
    const fitting = chunk.length <= room ? chunk : chunk.subarray(0, room)
    if (fitting.length > 0) {
      this.#kept.push(fitting)
      this.#size += fitting.length
      this.#readable?.push(fitting)
    }
    if (fitting !== chunk) this.#onOverflow()
  }
}
