import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { StringDecoder } from 'node:string_decoder'

import { sessionEventNames, type EndEvent, type SessionEventName, type StdioEvent } from '../events/session-events.ts'
import { describeError, jsonLine } from './report.ts'
import type { Terminal } from './terminal.ts'

/** Prints each event of the one session of this program as a line of JSON, from its opening on, with the event's name as `event`. */
export class EventLines {
  readonly #terminal: Terminal
  readonly #decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') }
  readonly #listeners = sessionEventNames.map((name) => ({ channel: `buildjail:${name}`, listener: (event: unknown): void => this.#tell(name, event as object) }))

  constructor(terminal: Terminal) {
    this.#terminal = terminal
    for (const { channel, listener } of this.#listeners) subscribe(channel, listener)
  }

  over(): void {
    for (const { channel, listener } of this.#listeners) unsubscribe(channel, listener)
  }

  #tell(name: SessionEventName, event: object): void {
    if (name === 'stdio') return this.#tellStdio(event as StdioEvent)
    if (name === 'end') this.#tellRest(event as EndEvent)
    const { error } = event as { readonly error?: unknown }
    this.#print(name, error === undefined ? event : { ...event, error: describeError(error) })
  }

  /** As text. An incomplete character is printed with the bytes that complete it. */
  #tellStdio({ session, command, stream, chunk }: StdioEvent): void {
    const text = this.#decoders[stream].write(chunk)
    if (text !== '') this.#print('stdio', { session, command, stream, text })
  }

  /** Bytes that were never completed. */
  #tellRest({ session, command }: EndEvent): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      const text = this.#decoders[stream].end()
      if (text !== '') this.#print('stdio', { session, command, stream, text })
    }
  }

  #print(name: string, members: object): void {
    this.#terminal.out(jsonLine({ event: name, ...members }))
  }
}

/** The last line: the object of `--json`, without members that earlier lines had. */
export function lastEvent({ result, error }: { readonly result?: object; readonly error?: unknown }): object {
  if (result === undefined) return { event: 'result', error }
  const { stdout: _stdout, stderr: _stderr, all: _all, ...others } = result as Readonly<Record<string, unknown>>
  return { event: 'result', result: others, error }
}
