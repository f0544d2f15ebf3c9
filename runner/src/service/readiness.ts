import { status } from '@grpc/grpc-js'
import { preflight, type Preflight } from 'buildjail'

import type { Leftovers } from '../action/leftovers.ts'
import { anythingBelow } from '../action/place.ts'
import type { CheckReadinessRequest } from '../protocol/messages.ts'
import { Refusal } from '../refusal.ts'

/** A worker asks before each action, and nothing else is served during a look at the host. */
const goodForMs = 10_000

/** A worker that is told that the runner is not ready hands out no action until it asks again. */
export class Readiness {
  isDraining = false
  readonly #buildDirectory: string
  readonly #leftovers: Leftovers
  readonly #look: () => Preflight
  /** When the host was last seen to be without an obstacle, in the time of performance.now(). */
  #goodAt = -Infinity

  constructor(buildDirectory: string, leftovers: Leftovers, look = preflight) {
    this.#buildDirectory = buildDirectory
    this.#leftovers = leftovers
    this.#look = look
  }

  /** @throws Refusal */
  async check({ path }: CheckReadinessRequest): Promise<void> {
    if (this.isDraining) throw unavailable('the runner is shutting down')
    anythingBelow(this.#buildDirectory, path, 'path')
    this.#checkHost()
    if (this.#leftovers.size === 0) return
    await this.#leftovers.tryAgain()
    if (this.#leftovers.reason !== undefined) throw unavailable(this.#leftovers.reason)
  }

  #checkHost(): void {
    if (performance.now() - this.#goodAt < goodForMs) return
    const [obstacle] = this.#look().obstacles
    if (obstacle !== undefined) throw unavailable(`${obstacle.problem}; remedy: ${obstacle.remedy}`)
    this.#goodAt = performance.now()
  }
}

function unavailable(problem: string): Refusal {
  return new Refusal(status.UNAVAILABLE, problem)
}
