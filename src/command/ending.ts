import type { Duration } from '../spec/units.ts'
import { checkAbortSignal, checkSignal, checkTimer, type OptionCheck, type Signal } from './options.ts'

/** Options that can end a command early. */
export interface EndingOptions {
  /** After this time the command and all that it started get `killSignal`, and SIGKILL after `forceKillAfterDelay`. Default: 0, no timeout. */
  readonly timeout?: Duration
  /** If it is aborted, the command and all that it started are ended, as by `timeout`. If it was aborted before, nothing is started. */
  readonly signal?: AbortSignal
  /** By name, or by the system's number. Default: SIGTERM. */
  readonly killSignal?: Signal
  /** The time from `killSignal` to SIGKILL. Default: 5 s. */
  readonly forceKillAfterDelay?: Duration
}

/** Copied and checked. */
export interface CheckedEndingOptions extends Omit<EndingOptions, 'timeout' | 'forceKillAfterDelay'> {
  /** Milliseconds. */
  readonly timeout?: number
  /** Milliseconds. */
  readonly forceKillAfterDelay?: number
}

const checkKillSignal: OptionCheck = (value, entry) => {
  checkSignal(value, entry)
  return value
}

/** Checks of the options that can end a command early. */
export const endingChecks: Readonly<Record<keyof EndingOptions, OptionCheck>> = {
  timeout: checkTimer,
  signal: checkAbortSignal,
  killSignal: checkKillSignal,
  forceKillAfterDelay: checkTimer,
}

const defaultForceKillAfterDelay = 5000

/** The reasons for which a command is ended early. Only the first is reported. */
export class Ending {
  timedOut = false
  isCanceled = false
  /** It wrote more than `maxBuffer`. */
  isMaxBuffer = false
  inputFailure: Error | undefined
  outputFailure: Error | undefined
  readonly killSignal: Signal
  #isOver = false
  #timer: NodeJS.Timeout | undefined
  #forcing: NodeJS.Timeout | undefined
  readonly #options: CheckedEndingOptions
  readonly #kill: (signal: Signal) => void
  readonly #onAbort = (): void => this.cancel()

  /** @param kill signals the command and all that it started. */
  constructor(options: CheckedEndingOptions, kill: (signal: Signal) => void) {
    this.#options = options
    this.#kill = kill
    this.killSignal = options.killSignal ?? 'SIGTERM'
    if (options.timeout !== undefined && options.timeout > 0) {
      this.#timer = setTimeout(() => this.#end(() => (this.timedOut = true)), options.timeout)
    }
    options.signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  /** Whether there is a reason. */
  get isEnding(): boolean {
    return this.timedOut || this.isCanceled || this.isMaxBuffer || this.inputFailure !== undefined || this.outputFailure !== undefined
  }

  cancel(): void {
    this.#end(() => (this.isCanceled = true))
  }

  failInput(failure: Error): void {
    this.#end(() => (this.inputFailure = failure))
  }

  failOutput(failure: Error): void {
    this.#end(() => (this.outputFailure = failure))
  }

  /** By SIGKILL at once, as native code does: a command that writes too much may not stop for another signal. */
  overflow(): void {
    if (this.#isOver || this.isEnding) return
    this.isMaxBuffer = true
    this.#kill('SIGKILL')
  }

  /** The kill signal was sent. SIGKILL follows if the command does not end. */
  force(): void {
    if (this.#isOver) return
    this.#forcing ??= setTimeout(() => this.#kill('SIGKILL'), this.#options.forceKillAfterDelay ?? defaultForceKillAfterDelay)
  }

  /** The command has ended, or will not be started. */
  over(): void {
    this.#isOver = true
    clearTimeout(this.#timer)
    clearTimeout(this.#forcing)
    this.#options.signal?.removeEventListener('abort', this.#onAbort)
  }

  #end(note: () => void): void {
    if (this.isEnding || this.#isOver) return
    note()
    clearTimeout(this.#timer)
    this.#kill(this.killSignal)
    this.force()
  }
}
