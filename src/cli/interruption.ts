import { statusOfSignal } from './exit-status.ts'

const watched = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const

/**
 * While a session is open, a signal that asks this program to stop does not end it at once: the command is stopped, the session is
 * closed, and the program ends with `status`.
 */
export class Interruption {
  /** The signal that came first. */
  name: string | undefined
  readonly #controller = new AbortController()
  readonly #onSignal = (name: string): void => {
    if (this.name !== undefined) return
    this.name = name
    this.#controller.abort(Object.assign(new Error(this.message), { name: 'AbortError', code: 'ABORT_ERR' }))
  }

  constructor() {
    for (const name of watched) process.on(name, this.#onSignal)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  get message(): string {
    return `stopped by ${this.name}`
  }

  get status(): number | undefined {
    return this.name === undefined ? undefined : statusOfSignal(this.name)
  }

  over(): void {
    for (const name of watched) process.off(name, this.#onSignal)
  }
}
