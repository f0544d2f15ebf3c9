import type { Session } from 'buildjail'

/** Sessions that could not be taken away. While there is one, the worker is told that the runner is not ready. */
export class Leftovers {
  readonly #sessions = new Map<Session, unknown>()

  get size(): number {
    return this.#sessions.size
  }

  /** The reason of the first, for people. */
  get reason(): string | undefined {
    const [error] = this.#sessions.values()
    return error === undefined ? undefined : (error as Error).message
  }

  add(session: Session, error: unknown): void {
    this.#sessions.set(session, error)
  }

  /** Tries to take them away once more. */
  async tryAgain(): Promise<void> {
    const tries = [...this.#sessions.keys()].map(async (session) => {
      try {
        await session.close()
        this.#sessions.delete(session)
      } catch (error) {
        this.#sessions.set(session, error)
      }
    })
    await Promise.all(tries)
  }
}
