import { channel, type Channel } from 'node:diagnostics_channel'
import { EventEmitter } from 'node:events'

import type { SessionEventName, SessionEvents } from './session-events.ts'

const names = ['step', 'command', 'output', 'limit', 'end', 'close'] as const
const channels = Object.fromEntries(names.map((name) => [name, channel(`buildjail:${name}`)])) as Record<SessionEventName, Channel>

/** Whether somebody hears of it from every session of the program. */
export function isPublished(name: SessionEventName): boolean {
  return channels[name].hasSubscribers
}

type Told<Name extends SessionEventName> = SessionEvents[Name][0]
/** Of one session, which the teller knows. */
type Untold<Name extends SessionEventName> = Omit<Told<Name>, 'session'>
export type Listener<Name extends SessionEventName> = (event: Told<Name>) => void

/** Tells of one session: who listens to it, and who listens to all of them. Nothing is made that nobody hears. */
export class Telling {
  readonly #session: string
  #emitter: EventEmitter<SessionEvents> | undefined

  constructor(session: string) {
    this.#session = session
  }

  hears(name: SessionEventName): boolean {
    return channels[name].hasSubscribers || (this.#emitter?.listenerCount(name) ?? 0) > 0
  }

  /** What a listener throws is an uncaught exception of the program, as diagnostics_channel has it, and none of the session's. */
  tell<Name extends SessionEventName>(name: Name, make: () => Untold<Name>): void {
    if (!this.hears(name)) return
    const event = Object.freeze({ session: this.#session, ...make() }) as Told<Name>
    channels[name].publish(event)
    const emitter = this.#emitter as EventEmitter | undefined
    for (const listener of emitter?.rawListeners(name) ?? []) {
      try {
        listener.call(emitter, event)
      } catch (error) {
        process.nextTick(() => {
          throw error
        })
      }
    }
  }

  on<Name extends SessionEventName>(name: Name, listener: Listener<Name>): void {
    this.#emitting().on(name, listener)
  }

  once<Name extends SessionEventName>(name: Name, listener: Listener<Name>): void {
    this.#emitting().once(name, listener)
  }

  off<Name extends SessionEventName>(name: Name, listener: Listener<Name>): void {
    ;(this.#emitter as EventEmitter | undefined)?.off(name, listener as (...given: unknown[]) => void)
  }

  #emitting(): EventEmitter {
    this.#emitter ??= new EventEmitter<SessionEvents>()
    return this.#emitter
  }
}
