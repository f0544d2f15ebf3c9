import { PassThrough, pipeline, Readable, type Writable } from 'node:stream'
import { types } from 'node:util'

import type { WireStdio } from '../native/wire-job.ts'
import type { Ending } from './ending.ts'
import { invalid } from './options.ts'
import { writableOf } from './stdio.ts'
import { pty } from './terminal.ts'

/** Content for a command's stdin. */
export type Input = string | Uint8Array | Readable

/** Streams that a command reads or has read. */
const taken = new WeakSet<Readable>()

/** @throws InvalidCommandError */
export function checkInput(input: unknown, entry: string): void {
  // Bytes of another realm are no instance of this one's Uint8Array.
  if (typeof input === 'string' || types.isUint8Array(input)) return
  if (!(input instanceof Readable)) throw invalid(entry, 'must be a string, bytes or a Readable of node:stream')
  if (!input.readable) throw invalid(entry, 'is a stream that is over: it was read to its end, or destroyed')
  // Each of two commands would read a part of it, or nothing, and take that for the whole.
  if (taken.has(input)) throw invalid(entry, 'is a stream that another command reads')
}

/** Makes the stream the command's own. To be called after all options were checked: a caller can correct a wrong one and pass the stream again. */
export function takeInput(input: Input | undefined): void {
  if (isStream(input)) taken.add(input)
}

/** A stream can fail before there is a command that could hear of it: it keeps its error until it is read. */
function holdFailures(input: Input | undefined): void {
  if (isStream(input)) input.on('error', () => {})
}

/** Of a checked input. Most commands have none, and node:stream is not loaded for them. */
function isStream(input: Input | undefined): input is Readable {
  return input !== undefined && input instanceof Readable
}

/** The command has ended, or was never started. The rest of its input is not read. */
export function abandon(input: Input | undefined): void {
  if (isStream(input) && !input.readableEnded) input.destroy()
}

/**
 * Gives a command its stdin, which stays open if the input fails: its end would look like the input's.
 * @throws the error of the input.
 */
async function feed(input: Input, stdin: Writable): Promise<void> {
  // A command may close its stdin without reading it. That is no failure of the run.
  stdin.on('error', () => {})
  if (!(input instanceof Readable)) {
    stdin.end(input)
    return
  }
  // A caller that reads from a socket may still be about to write to it.
  for await (const chunk of input.iterator({ destroyOnReturn: false })) {
    if (stdin.destroyed) return
    if (!stdin.write(chunk)) await drained(stdin)
  }
  stdin.end()
}

function drained(stdin: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stdin.off('drain', done)
      stdin.off('close', done)
      resolve()
    }
    stdin.on('drain', done)
    stdin.on('close', done)
    if (stdin.destroyed) done()
  })
}

export const ignore: WireStdio = Object.freeze({ kind: 'ignore' })
const pipe: WireStdio = Object.freeze({ kind: 'pipe' })

/** The source of a command's stdin. */
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

  /** Null if there is no stdin to write to. */
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
