import { closeSync, fstatSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { sequences } from '../command/hint-evidence.ts'
import type { Session } from '../session/session.ts'
import type { Copied, SessionUsage } from '../native/record.ts'

/** A run that ends sooner shows no progress. */
const patienceMs = 500
const intervalMs = 200

/** The progress of a run: its stage, the time of the command or of the wait for it, the usage, and the last line of output. */
export class Progress {
  readonly #line: ProgressLine
  readonly #began = performance.now()
  readonly #lastWords: () => string
  readonly #timer: NodeJS.Timeout
  #session: Session | undefined
  /** When the command began, by performance.now(). */
  #commandBegan: number | undefined
  #usage: SessionUsage = {}
  #copied: Copied | undefined
  #isAsking = false
  #isClosing = false

  /** @param lastWords returns the last line that the command wrote */
  constructor(line: ProgressLine, lastWords: () => string) {
    this.#line = line
    this.#lastWords = lastWords
    this.#timer = setInterval(() => this.#draw(), intervalMs).unref()
  }

  copying(copied: Copied): void {
    this.#copied = copied
  }

  opened(session: Session): void {
    this.#copied = undefined
    this.#session = session
    this.#commandBegan = performance.now()
  }

  closing(): void {
    this.#isClosing = true
  }

  over(): void {
    clearInterval(this.#timer)
    this.#line.clear()
  }

  #draw(): void {
    const now = performance.now()
    if (now - this.#began < patienceMs) return
    void this.#ask()
    const { cpuTime, memory } = this.#usage
    const parts = [
      this.#copied !== undefined ? 'copying' : this.#session === undefined ? 'opening' : this.#isClosing ? 'closing' : 'running',
      clock(now - (this.#commandBegan ?? this.#began)),
      ...(this.#copied === undefined ? [] : [amountOf(this.#copied)]),
      ...(cpuTime === undefined ? [] : [`cpu ${(cpuTime / 1000).toFixed(1)} s`]),
      ...(memory === undefined ? [] : [`memory ${Math.ceil(memory / 2 ** 20)} MiB`]),
      this.#lastWords(),
    ]
    this.#line.show(parts.filter((part) => part !== '').join('  '))
  }

  async #ask(): Promise<void> {
    if (this.#session === undefined || this.#isAsking || this.#isClosing) return
    this.#isAsking = true
    try {
      this.#usage = await this.#session.usage()
    } catch {
      // The session is closing, or its usage is not counted: show none.
    } finally {
      this.#isAsking = false
    }
  }
}

/** `120 files, 34 MiB`. */
export function amountOf({ files, bytes }: Copied): string {
  return `${files} files, ${Math.floor(bytes / 2 ** 20)} MiB`
}

/** Moves to the first column and clears the line (ECMA-48, EL). */
const anew = '\r\x1b[K'

/** One line of a terminal that is redrawn in place. */
export class ProgressLine {
  readonly #write: (text: string) => void
  readonly #columns: () => number
  #isShown = false

  constructor(write: (text: string) => void, columns: () => number) {
    this.#write = write
    this.#columns = columns
  }

  show(text: string): void {
    this.#isShown = true
    // Some terminals begin a new line after the last column.
    this.#write(anew + cut(text, this.#columns() - 1))
  }

  /** Call it before writing anything else to the terminal. */
  clear(): void {
    if (this.#isShown) this.#write(anew)
    this.#isShown = false
  }
}

/** The last line that is not blank, without control sequences: a build's output may try to steer the terminal. */
export function lastLine(output: string): string {
  const lines = output.replaceAll(sequences, '').split(/[\r\n]+/).map((line) => line.replaceAll(unprinted, '').trim())
  return lines.findLast((line) => line !== '') ?? ''
}

// defence: line-progress-hands-no
const unprinted = /\p{C}/gu

/** East Asian characters and pictures take two columns. */
const wide = /[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6\u{1F000}-\u{1FAFF}\u{20000}-\u{3FFFD}]/u

function cut(text: string, columns: number): string {
  let width = 0
  let kept = ''
  for (const character of text) {
    width += wide.test(character) ? 2 : 1
    if (width > columns) break
    kept += character
  }
  return kept
}

/** `0:07`, `1:02:03`. */
export function clock(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  const [first = 0, ...rest] = parts[0] === 0 ? parts.slice(1) : parts
  return [String(first), ...rest.map((part) => String(part).padStart(2, '0'))].join(':')
}

const tailSize = 4096
const pieceSize = 65_536

/** Output of a command that is not shown yet, in a file whose name is removed once the command has it open. */
export class HiddenOutput {
  readonly file: string
  readonly #folder: string
  readonly #fd: number

  constructor() {
    // Only this user can enter it (mkdtemp(3)).
    this.#folder = mkdtempSync(path.join(tmpdir(), 'buildjail-output-'))
    this.file = path.join(this.#folder, 'output')
    this.#fd = openSync(this.file, 'wx+', 0o600)
  }

  /** Call it when the command has the file open. Then nothing stays if this program is killed. */
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
