import { closeSync, fstatSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { lastLine } from './progress-line.ts'

const tailSize = 4096
const pieceSize = 65_536

/** What a command writes, in a file that has no name once the command is there. */
export class KeptOutput {
  readonly file: string
  readonly #folder: string
  readonly #fd: number

  constructor() {
    // For this user alone (mkdtemp(3)).
    this.#folder = mkdtempSync(path.join(tmpdir(), 'buildjail-output-'))
    this.file = path.join(this.#folder, 'output')
    this.#fd = openSync(this.file, 'wx+', 0o600)
  }

  /** The command has it open. Should this program be killed, nothing is left of it. */
  forgetName(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }

  lastLine(): string {
    const { size } = fstatSync(this.#fd)
    return lastLine(this.#read(Math.max(size - tailSize, 0), tailSize).toString())
  }

  /** All of it, piece by piece. */
  passOn(write: (text: string) => void): void {
    const decoder = new TextDecoder()
    for (let at = 0; ; ) {
      const piece = this.#read(at, pieceSize)
      if (piece.length === 0) break
      write(decoder.decode(piece, { stream: true }))
      at += piece.length
    }
    write(decoder.decode())
  }

  close(): void {
    closeSync(this.#fd)
    this.forgetName()
  }

  #read(at: number, size: number): Buffer {
    const buffer = Buffer.alloc(size)
    return buffer.subarray(0, readSync(this.#fd, buffer, 0, size, at))
  }
}
