import type { Session } from '../session/session.ts'
import type { SessionUsage } from '../session/usage.ts'
import { clock, ProgressLine } from './progress-line.ts'

/** A run that is over sooner shows nothing. */
const patienceMs = 500
const intervalMs = 200

/** While a run is under way: what it is at, how long it has taken, of what, and what it has said last. */
export class Progress {
  readonly #line: ProgressLine
  readonly #began = performance.now()
  readonly #lastWords: () => string
  readonly #timer: NodeJS.Timeout
  #session: Session | undefined
  #steps = ''
  #usage: SessionUsage = {}
  #isAsking = false
  #isClosing = false

  /** @param lastWords the line that the command has written last */
  constructor(line: ProgressLine, lastWords: () => string) {
    this.#line = line
    this.#lastWords = lastWords
    this.#timer = setInterval(() => this.#draw(), intervalMs).unref()
  }

  opened(session: Session): void {
    const ms = session.trace.reduce((sum, { ns }) => sum + ns, 0) / 1e6
    this.#steps = `${session.trace.length} steps in ${ms.toFixed(1)} ms`
    this.#session = session
  }

  closing(): void {
    this.#isClosing = true
  }

  over(): void {
    clearInterval(this.#timer)
    this.#line.clear()
  }

  #draw(): void {
    const elapsed = performance.now() - this.#began
    if (elapsed < patienceMs) return
    void this.#ask()
    const { cpuTime, memory } = this.#usage
    const parts = [
      this.#session === undefined ? 'opening' : this.#isClosing ? 'closing' : this.#steps,
      clock(elapsed),
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
      // It is being closed, or not accounted: then it is not told of.
    } finally {
      this.#isAsking = false
    }
  }
}
