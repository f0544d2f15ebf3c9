import { statusOfSignal } from './exit-status.ts'

const watched = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const

/** A command that has begun. */
export interface Interruptible {
  /** False when it is over. */
  readonly interrupt: () => boolean
  readonly endAtOnce: () => void
}

/**
 * While a session is open, a signal that asks this program to stop does not end it at once. SIGINT goes to the command, which may go on;
 * any other signal, and SIGINT where there is no command, stops it and has the session closed. The second signal of that kind ends the command
 * at once.
 */
export class Interruption {
  /** The signal by which the program stops. */
  #stoppedBy: string | undefined
  #isInterrupted = false
  #command: Interruptible | undefined
  #reminder: NodeJS.Timeout | undefined
  readonly #remind: () => void
  readonly #controller = new AbortController()
  readonly #onSignal = (name: string): void => {
    if (name === 'SIGINT') this.#interrupt()
    else this.#stop(name)
  }

  /** @param remind is called when a command that was interrupted goes on */
  constructor(remind: () => void) {
    this.#remind = remind
    for (const name of watched) process.on(name, this.#onSignal)
  }

  /** Aborted when the command is to be stopped, or not to begin. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Undefined where the command ended by itself. */
  get status(): number | undefined {
    return this.#stoppedBy === undefined ? undefined : statusOfSignal(this.#stoppedBy)
  }

  /** Of a command that ended by `signal`; undefined where nobody asked for that. */
  messageFor(signal: string | undefined): string | undefined {
    const name = this.#stoppedBy ?? (this.#isInterrupted && signal === 'SIGINT' ? signal : undefined)
    return name === undefined ? undefined : `stopped by ${name}`
  }

  hasBegun(command: Interruptible): void {
    this.#command = command
  }

  over(): void {
    clearTimeout(this.#reminder)
    for (const name of watched) process.off(name, this.#onSignal)
  }

  #interrupt(): void {
    if (this.#isInterrupted || this.#stoppedBy !== undefined) return this.#endAtOnce('SIGINT')
    if (this.#command?.interrupt() !== true) return this.#stop('SIGINT')
    this.#isInterrupted = true
    this.#reminder = setTimeout(this.#remind, reminderMs).unref()
  }

  #stop(name: string): void {
    if (this.#stoppedBy !== undefined) return this.#endAtOnce(name)
    this.#stoppedBy = name
    this.#controller.abort(Object.assign(new Error(`stopped by ${name}`), { name: 'AbortError', code: 'ABORT_ERR' }))
  }

  #endAtOnce(name: string): void {
    this.#stoppedBy ??= name
    this.#command?.endAtOnce()
  }
}

const reminderMs = 2000
