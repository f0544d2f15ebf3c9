import { PassThrough, pipeline, type Writable } from 'node:stream'

import type { WireStdio } from '../native/wire-job.ts'
import type { Ending } from './ending.ts'
import { abandon, feed, holdFailures, type Input } from './input.ts'
import { writableOf } from './stdio.ts'
import { pty } from './terminal.ts'

export const ignore: WireStdio = Object.freeze({ kind: 'ignore' })
const pipe: WireStdio = Object.freeze({ kind: 'pipe' })

/** Where a command's stdin comes from. */
export class Supply {
  readonly #input: Input | undefined
  readonly #wire: WireStdio | undefined
  /** The caller's end. */
  #written: PassThrough | undefined
  /** Our end of the pipe. */
  #end: Writable | undefined
  #isDecided = false
  #isOver = false

  constructor({ input, stdin }: { readonly input?: Input; readonly stdin?: WireStdio }) {
    this.#input = input
    this.#wire = stdin
    holdFailures(input)
  }

  /** Null where there is nothing that could be written to. */
  writable(): Writable | null {
    const isOffered = this.#input === undefined && (this.#wire?.kind === 'pipe' || this.#wire === pty || (this.#wire === undefined && !this.#isDecided))
    if (this.#written === undefined && isOffered) this.#written = this.#makeWritten()
    return this.#written ?? null
  }

  /** The target for the launch. Later touches do not change it. */
  wire(): WireStdio {
    this.#isDecided = true
    if (this.#wire === pty) return pty
    if (this.#input !== undefined || this.#written !== undefined) return pipe
    return this.#wire === undefined || this.#wire.kind === 'ignore' ? ignore : this.#wire
  }

  /** The command has begun. Takes over the descriptor. */
  begin(descriptor: number, ending: Ending): void {
    const end = writableOf(descriptor)
    this.#end = end
    if (this.#input !== undefined) feed(this.#input, end).catch((failure: Error) => ending.failInput(failure))
    else this.#connect(this.#written ?? this.#makeWritten(), end)
  }

  /** The command has ended, or did not begin. */
  over(): void {
    this.#isDecided = true
    this.#isOver = true
    abandon(this.#input)
    this.#end?.destroy()
    this.#written?.destroy()
  }

  #makeWritten(): PassThrough {
    const written = new PassThrough()
    // A command may end without reading its stdin. That is no failure.
    written.on('error', () => {})
    this.#written = written
    if (this.#isOver) written.destroy()
    return written
  }

  #connect(written: PassThrough, end: Writable): void {
    pipeline(written, end, () => {})
  }
}
