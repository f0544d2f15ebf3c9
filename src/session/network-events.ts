import type { NetworkTrouble } from '../command/hint-evidence.ts'
import type { ConnectionOutcome, RefusedEvent } from '../events/session-events.ts'
import type { Telling } from '../events/telling.ts'
import type { NativeNetworkEvent } from '../native/binding.ts'
import { hearNetwork } from '../native/jobs.ts'
import { isAllowedNetwork } from '../spec/fields/network.ts'
import type { Plan } from '../spec/plan.ts'

/** A build decides how many names it asks for; a hint needs few. */
const mostTroubles = 100

/** Tells the events of a session with a network of names, and keeps the names that its commands did not reach. */
export class NetworkEvents {
  readonly #telling: Telling
  readonly #stop: () => void
  /** Each once, with the time of its last event by performance.now(). */
  readonly #troubles = new Map<string, { readonly trouble: NetworkTrouble; at: number }>()

  constructor(session: string, telling: Telling) {
    this.#telling = telling
    this.#stop = hearNetwork(session, (events) => {
      for (const event of events) this.#hear(event)
    })
  }

  /**
   * Those that were met since a time by performance.now(), and the names that were refused before: when a name is refused again, its event comes up to a
   * second later.
   */
  troubles(since: number): readonly NetworkTrouble[] {
    const all = [...this.#troubles.values()].filter(({ trouble, at }) => at >= since || trouble.outcome === 'name')
    return all.map(({ trouble, at }) => (at >= since ? trouble : { ...trouble, isEarlier: true }))
  }

  /** The session is closed. */
  over(): void {
    this.#stop()
  }

  #hear({ kind, name, port, address, outcome, sent = 0, received = 0, durationMs = 0, count = 1 }: NativeNetworkEvent): void {
    this.#note({ name, port, outcome, ...(address !== undefined && { address }) })
    if (kind === 'refused') this.#telling.tell('refused', () => ({ name, port, outcome: outcome as RefusedEvent['outcome'], count }))
    else this.#telling.tell('connection', () => ({ name, port, address, sent, received, durationMs, outcome: outcome as ConnectionOutcome }))
  }

  #note(trouble: NetworkTrouble): void {
    const { name, port, outcome } = trouble
    if (outcome === 'closed' || name === '') return
    const key = `${outcome} ${port} ${name}`
    const known = this.#troubles.get(key)
    if (known !== undefined) known.at = performance.now()
    else if (this.#troubles.size < mostTroubles) this.#troubles.set(key, { trouble, at: performance.now() })
  }
}

/** Undefined for a session without a network of names. */
export function networkEventsOf(session: string, { network }: Pick<Plan, 'network'>, telling: Telling): NetworkEvents | undefined {
  return isAllowedNetwork(network) ? new NetworkEvents(session, telling) : undefined
}
