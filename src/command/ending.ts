import type { BuildProcess } from './build-process.ts'
import type { RunOptions } from './run-options.ts'

/** Why a run was ended early, where it was. */
export interface EarlyEnd {
  readonly timedOut: boolean
  readonly isCanceled: boolean
  readonly inputFailure?: Error | undefined
}

/** The reasons for which a run is ended early; whichever comes first is the one that is told. */
export class Ending implements EarlyEnd {
  timedOut = false
  isCanceled = false
  inputFailure: Error | undefined
  #isOver = false
  #timer: NodeJS.Timeout | undefined
  readonly #child: BuildProcess
  readonly #options: RunOptions
  readonly #onAbort = (): void => {
    if (this.#isEnding) return
    this.isCanceled = true
    this.#terminate()
  }

  /** @param killAll SIGKILL to all that the session has. */
  constructor(child: BuildProcess, options: RunOptions, killAll: () => Promise<void>) {
    this.#child = child
    this.#options = options
    // A failure here means that the session is closing, which kills everything as well.
    const kill = (): void => void killAll().catch(() => child.kill('SIGKILL'))
    if (options.timeout !== undefined && options.timeout > 0) {
      this.#timer = setTimeout(() => {
        this.timedOut = true
        kill()
      }, options.timeout)
    }
    if (options.signal?.aborted === true) this.#onAbort()
    else options.signal?.addEventListener('abort', this.#onAbort, { once: true })
    // A command that was still being launched was not there yet.
    child.once('spawn', () => this.timedOut && kill())
  }

  failInput(failure: Error): void {
    if (this.#isEnding || this.#isOver) return
    this.inputFailure = failure
    this.#terminate()
  }

  over(): void {
    this.#isOver = true
    clearTimeout(this.#timer)
    this.#options.signal?.removeEventListener('abort', this.#onAbort)
  }

  get #isEnding(): boolean {
    return this.timedOut || this.isCanceled || this.inputFailure !== undefined
  }

  #terminate(): void {
    this.#child.kill('SIGTERM')
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#child.kill('SIGKILL'), this.#options.forceKillAfterDelay ?? 5000)
  }
}
