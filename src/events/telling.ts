import { channel, type Channel } from 'node:diagnostics_channel'
import type { EventEmitter } from 'node:events'

import { sessionEventNames, type SessionEventName, type SessionEvents } from './session-events.ts'

const channels = Object.fromEntries(sessionEventNames.map((name) => [name, channel(`buildjail:${name}`)])) as Record<SessionEventName, Channel>

type EventOf<Name extends SessionEventName> = SessionEvents[Name][0]
/** Without the session, which `Telling` adds. */
type OwnPart<Name extends SessionEventName> = Omit<EventOf<Name>, 'session'>

/** Passes events to the listeners of one session, and to those of all sessions. An event without a listener is not made. */
export class Telling {
  readonly #session: string
  readonly #emitter: EventEmitter | undefined

  /** @param emitter of the session's own listeners */
  constructor(session: string, emitter?: EventEmitter<SessionEvents>) {
    this.#session = session
    this.#emitter = emitter as EventEmitter | undefined
  }

  hears(name: SessionEventName): boolean {
    return channels[name].hasSubscribers || (this.#emitter?.listenerCount(name) ?? 0) > 0
  }

  /** An error of a listener is an uncaught exception of the program, as with diagnostics_channel, and not an error of the session. */
  tell<Name extends SessionEventName>(name: Name, make: () => OwnPart<Name>): void {
    if (!this.hears(name)) return
    const event = Object.freeze({ session: this.#session, ...make() }) as EventOf<Name>
    channels[name].publish(event)
    for (const listener of this.#emitter?.rawListeners(name) ?? []) {
      try {
        listener.call(this.#emitter, event)
      } catch (error) {
        process.nextTick(() => {
          throw error
        })
      }
    }
  }
}
