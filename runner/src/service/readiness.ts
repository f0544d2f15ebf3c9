import { status } from '@grpc/grpc-js'
import { preflight } from 'buildjail'

import type { Leftovers } from '../action/leftovers.ts'
import { anythingBelow } from '../action/place.ts'
import type { CheckReadinessRequest } from '../protocol/messages.ts'
import { Refusal } from '../refusal.ts'

/** A worker that is told that we are not ready gives its actions to nobody, until it asks again. */
export class Readiness {
  isDraining = false
  readonly #buildDirectory: string
  readonly #leftovers: Leftovers

  constructor(buildDirectory: string, leftovers: Leftovers) {
    this.#buildDirectory = buildDirectory
    this.#leftovers = leftovers
  }

  /** @throws Refusal */
  async check({ path }: CheckReadinessRequest): Promise<void> {
    if (this.isDraining) throw unavailable('the runner is shutting down')
    anythingBelow(this.#buildDirectory, path, 'path')
    const [obstacle] = preflight().obstacles
    if (obstacle !== undefined) throw unavailable(`${obstacle.problem}; remedy: ${obstacle.remedy}`)
    if (this.#leftovers.size === 0) return
    await this.#leftovers.tryAgain()
    if (this.#leftovers.reason !== undefined) throw unavailable(this.#leftovers.reason)
  }
}

function unavailable(problem: string): Refusal {
  return new Refusal(status.UNAVAILABLE, problem)
}
