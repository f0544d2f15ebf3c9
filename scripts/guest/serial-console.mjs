// A conversation over a byte stream: send text, wait for an answer, and show what comes in between.

/** Starts what the guest says to this program rather than to the reader: all before it can be shown as it comes. */
export const MARK = '\x1e'

/** How much unread output is kept for patterns to match and for error messages to quote. */
const KEPT = 1 << 20

export class SerialConsole {
  #output
  #input
  #unread = ''
  #ended = false
  #wake = () => {}

  /** @param {import('node:stream').Readable} output @param {import('node:stream').Writable} input */
  constructor(output, input) {
    this.#output = output
    this.#input = input
    // Bytes as characters: a chunk may end within a UTF-8 sequence.
    output.setEncoding('latin1')
    output.on('data', this.#received)
    output.on('end', this.#over)
    input.on('error', this.#over)
  }

  send(text) {
    this.#input.write(text)
  }

  /**
   * Resolves with the pattern's match in what has come in since the last match.
   * @param {RegExp} pattern without flags; to be used with `show` it starts with MARK
   * @param {{ seconds: number, what: string, show?: (text: string) => void }} options
   */
  async until(pattern, { seconds, what, show }) {
    const deadline = Date.now() + seconds * 1000
    for (;;) {
      const match = pattern.exec(this.#unread)
      if (match !== null) {
        show?.(this.#unread.slice(0, match.index))
        this.#unread = this.#unread.slice(match.index + match[0].length)
        return match
      }
      if (show !== undefined) this.#showAllBefore(MARK, show)
      if (this.#ended) throw new Error(`the guest stopped before ${what}.${this.#tail()}`)
      if (Date.now() >= deadline) throw new Error(`no ${what} within ${seconds} s.${this.#tail()}`)
      await this.#moreOr(deadline)
    }
  }

  /** Ends the conversation: what comes in from now on is the caller's, the unread rest included. */
  release() {
    this.#output.off('data', this.#received)
    this.#output.pause()
    return this.#unread
  }

  #received = (chunk) => {
    this.#unread = (this.#unread + chunk).slice(-KEPT)
    this.#wake()
  }

  #over = () => {
    this.#ended = true
    this.#wake()
  }

  #showAllBefore(mark, show) {
    const held = this.#unread.indexOf(mark)
    const end = held === -1 ? this.#unread.length : held
    show(this.#unread.slice(0, end))
    this.#unread = this.#unread.slice(end)
  }

  #moreOr(deadline) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.max(deadline - Date.now(), 0))
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  #tail() {
    const text = this.#unread.slice(-2000).replaceAll('\r', '').trim()
    return text === '' ? '' : ` Its last output:\n${text}`
  }
}
