import type { ConnectionEvent, RefusedEvent } from '../events/session-events.ts'
import type { RecordedDestination, RecordedNetwork, RecordedRefusal } from './run-record.ts'

/** A build decides how many names it asks for, and the server how a connection ends. */
const mostNames = 1000

type Destination = { -readonly [Member in keyof RecordedDestination]: RecordedDestination[Member] } & { readonly outcomes: Record<string, number> }

/** What a session with a network of names connected to, and what it was refused. */
export class SeenNames {
  readonly #destinations = new Map<string, Destination>()
  readonly #refused = new Map<string, { -readonly [Member in keyof RecordedRefusal]: RecordedRefusal[Member] }>()
  #leftOut = 0

  connection({ name, port, sent, received, outcome }: Omit<ConnectionEvent, 'session'>): void {
    const key = `${name} ${port}`
    const known = this.#destinations.get(key) ?? { name, port, connections: 0, sent: 0, received: 0, outcomes: {} }
    if (!this.#hasRoom(this.#destinations, key)) return
    this.#destinations.set(key, known)
    known.connections += 1
    known.sent += sent
    known.received += received
    known.outcomes[outcome] = (known.outcomes[outcome] ?? 0) + 1
  }

  refused({ name, count }: Omit<RefusedEvent, 'session'>): void {
    const known = this.#refused.get(name) ?? { name, count: 0 }
    if (!this.#hasRoom(this.#refused, name)) return
    this.#refused.set(name, known)
    known.count += count
  }

  get record(): RecordedNetwork {
    return { destinations: [...this.#destinations.values()], refused: [...this.#refused.values()], ...(this.#leftOut > 0 && { leftOut: this.#leftOut }) }
  }

  #hasRoom(seen: ReadonlyMap<string, unknown>, key: string): boolean {
    if (seen.has(key) || seen.size < mostNames) return true
    this.#leftOut += 1
    return false
  }
}
