import { statusOfSignal } from './exit-status.ts'

/** For people, if an interrupted command goes on. */
export const goesOn = 'the command got SIGINT and goes on; a second SIGINT ends it'

const watched = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const

/** A running command. */
export interface Interruptible {
  /** Returns false if the command is over. */
  readonly interrupt: () => boolean
  readonly endAtOnce: () => void
}

/**
 * Handles SIGHUP, SIGINT and SIGTERM while a session is open. SIGINT goes to the command, which may go on. The other signals, and SIGINT without a
 * command, stop the command and close the session. A second signal ends the command at once.
 */
export class Interruption {
  /** The signal that stopped the run. */
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

  /** @param remind is called if an interrupted command goes on */
  constructor(remind: () => void) {
    this.#remind = remind
    for (const name of watched) process.on(name, this.#onSignal)
  }

  /** Aborts the run: it stops the command, or keeps it from beginning. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** The exit status after a stop. Undefined if no signal stopped the run. */
  get status(): number | undefined {
    return this.#stoppedBy === undefined ? undefined : statusOfSignal(this.#stoppedBy)
  }

  /** For a command that ended by `signal`. Undefined if no signal to this program caused it. */
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

/** SIGTSTP stops a program sooner than this, or not at all if its process group is orphaned (setpgid(2)). */
const stoppingMs = 100

/**
 * Makes SIGTSTP (Ctrl-Z) stop the command together with this program. The command has a terminal session of its own, so the terminal signals only
 * this program. The returned function ends that.
 */
export function suspendTogether(signal: (name: 'SIGSTOP' | 'SIGCONT') => boolean): () => void {
  const onStop = (): void => {
    if (!signal('SIGSTOP')) return
    process.off('SIGTSTP', onStop)
    process.kill(process.pid, 'SIGTSTP')
    // Runs after this program was continued.
    setTimeout(() => {
      process.on('SIGTSTP', onStop)
      signal('SIGCONT')
    }, stoppingMs)
  }
  process.on('SIGTSTP', onStop)
  return () => process.off('SIGTSTP', onStop)
}
