import { StringDecoder } from 'node:string_decoder'

import type { StdioPiece, RecordedStdio } from './run-record.ts'

type Stream = StdioPiece['stream']
type Piece = { -readonly [Member in keyof StdioPiece]: StdioPiece[Member] }

/** The number of characters kept of the beginning, and of the end. */
export const mostKept: number = 128 * 1024
/** Each time stamp begins a piece, and a page with too many pieces is slow. */
const mostPieces = 1000
/** Output within so many milliseconds is one piece. */
const together = 100

/** The beginning and the end of a command's output, with times. */
export class KeptStdio {
  readonly #decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') }
  readonly #bytes = { stdout: 0, stderr: 0 }
  readonly #head: Piece[] = []
  readonly #tail: Piece[] = []
  #headRoom = mostKept
  #tailSize = 0
  #leftOut = 0

  write(stream: Stream, atMs: number, chunk: Buffer): void {
    this.#bytes[stream] += chunk.length
    this.#add(stream, atMs, this.#decoders[stream].write(chunk))
  }

  /** The streams have ended. */
  end(atMs: number): void {
    for (const stream of ['stdout', 'stderr'] as const) this.#add(stream, atMs, this.#decoders[stream].end())
  }

  get record(): RecordedStdio {
    return { ...this.#bytes, head: this.#head.map(copy), leftOut: this.#leftOut, tail: this.#tail.map(copy) }
  }

  /** The end of the kept part of a stream, with at most `most` characters. */
  endOf(stream: Stream, most: number): string {
    let text = ''
    for (const piece of [...this.#head, ...this.#tail].toReversed()) {
      if (piece.stream === stream) text = piece.text + text
      if (text.length >= most) break
    }
    return text.slice(-most)
  }

  #add(stream: Stream, atMs: number, text: string): void {
    const fitting = this.#headRoom > 0 && this.#head.length < mostPieces ? whole(text, this.#headRoom) : ''
    if (fitting !== '') {
      this.#headRoom -= fitting.length
      append(this.#head, { stream, atMs, text: fitting })
    }
    if (fitting.length === text.length) return
    this.#headRoom = 0
    const rest = text.slice(fitting.length)
    append(this.#tail, { stream, atMs, text: rest })
    this.#tailSize += rest.length
    this.#shorten()
  }

  #shorten(): void {
    for (let first = this.#tail[0]; first !== undefined && (this.#tailSize > mostKept || this.#tail.length > mostPieces); first = this.#tail[0]) {
      const excess = this.#tail.length > mostPieces ? first.text.length : Math.min(this.#tailSize - mostKept, first.text.length)
      // Never split a surrogate pair.
      const gone = first.text.slice(0, isHalved(first.text, excess) ? excess + 1 : excess)
      this.#leftOut += Buffer.byteLength(gone)
      this.#tailSize -= gone.length
      if (gone.length === first.text.length) this.#tail.shift()
      else first.text = first.text.slice(gone.length)
    }
  }
}

/** Joins lines that were written at about the same time, and parts of one line. */
function append(pieces: Piece[], piece: Piece): void {
  const last = pieces.at(-1)
  const continues = last !== undefined && last.stream === piece.stream && (!last.text.endsWith('\n') || piece.atMs - last.atMs < together)
  if (continues) last.text += piece.text
  else pieces.push(piece)
}

function whole(text: string, most: number): string {
  return text.length <= most ? text : text.slice(0, isHalved(text, most) ? most - 1 : most)
}

/** Whether `at` lies between the two code units of one character. */
function isHalved(text: string, at: number): boolean {
  return /^[\uD800-\uDBFF][\uDC00-\uDFFF]$/.test(text.slice(at - 1, at + 1))
}

function copy(piece: Piece): StdioPiece {
  return { ...piece }
}
