/** Up to the first column, and nothing behind it any more (ECMA-48, EL). */
const anew = '\r\x1b[K'

/** One line of a terminal, drawn over and over. */
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
    // In the last column some terminals begin a new line.
    this.#write(anew + cut(text, this.#columns() - 1))
  }

  /** Comes before anything else is written there. */
  clear(): void {
    if (this.#isShown) this.#write(anew)
    this.#isShown = false
  }
}

/** The last line that has words in it, as they would be read: what a build writes may hold orders to a terminal. */
export function lastLine(output: string): string {
  const lines = output.replaceAll(sequences, '').split(/[\r\n]+/).map((line) => line.replaceAll(unprinted, '').trim())
  return lines.findLast((line) => line !== '') ?? ''
}

// defence: line-progress-hands-no
const unprinted = /\p{C}/gu

/** ECMA-48: control sequences, and strings up to their terminator. */
const sequences = new RegExp(String.raw`\u001b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[ -/]*[0-~])`, 'g')

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
