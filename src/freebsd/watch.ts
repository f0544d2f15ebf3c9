import type { BuildjailError } from '../errors.ts'
import type { NativeFreebsdEvents, NativeJailEvents } from '../native/freebsd.ts'
import { JailDescriptor } from './jail-descriptor.ts'
import { jailGetSync, JAIL_DYING, type JailKey, type JailParameterValue } from './jails.ts'
import { kernelSync } from './kernel.ts'
import { nativeEvents } from './native.ts'
import { booleanIn, checkedObject, inWords, isWhole, refusal, refuseOthers } from './refusal.ts'
import { atOnce } from './steps.ts'

/** Something that has happened to a jail. */
export interface JailEvent {
  /**
   * `set`: a parameter was set; `attach`: a process was attached; `child`: a jail was made below it; `remove`: it begins to die, and its processes are still to be
   * killed. `remove` is the last event.
   */
  readonly kind: 'set' | 'attach' | 'child' | 'remove'
  /** The attached process, where it was a single one. */
  readonly pid?: number
  /** The new jail, where it was a single one. */
  readonly jid?: number
  /** Of `attach` and `child`: there were several, or one of each (NOTE_JAIL_MULTI). */
  readonly isMultiple?: boolean
}

/**
 * How a jail is watched: by its jid or a descriptor (kqueue(2), since 15.0), or by polling all its parameters. Polling sees `set`, `child` and `remove`, and at most
 * one of each between two looks.
 */
export type WatchedBy = 'EVFILT_JAIL' | 'EVFILT_JAILDESC' | 'polling'

export interface WatchJailOptions {
  /** Milliseconds between two looks; default 50. */
  readonly pollMs?: number
  /** True: polls in any case. Default: only where the kernel has no events of jails. */
  readonly isPolling?: boolean
}

/** The events of one jail, in their order. It keeps the event loop alive until it is closed or the jail is removed. */
export class JailWatch implements AsyncIterable<JailEvent>, Disposable {
  readonly by: WatchedBy
  readonly #waiting: JailEvent[] = []
  readonly #stop: () => void
  #wanted: ((event: JailEvent | undefined) => void)[] = []
  #isOver = false

  /** @internal Use `watchJail`. */
  constructor(by: WatchedBy, start: (tell: (event: JailEvent) => void) => () => void) {
    this.by = by
    this.#stop = start((event) => this.#tell(event))
  }

  /** The next event; undefined after the last one. */
  next(): Promise<JailEvent | undefined> {
    const event = this.#waiting.shift()
    if (event !== undefined || this.#isOver) return Promise.resolve(event)
    return new Promise((resolve) => this.#wanted.push(resolve))
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<JailEvent, void, undefined> {
    for (let event = await this.next(); event !== undefined; event = await this.next()) yield event
  }

  /** Ends the watch. Does nothing the second time. */
  close(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#stop()
    for (const resolve of this.#wanted) resolve(undefined)
    this.#wanted = []
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #tell(event: JailEvent): void {
    if (this.#isOver) return
    const wanted = this.#wanted.shift()
    if (wanted === undefined) this.#waiting.push(event)
    else wanted(event)
    if (event.kind === 'remove') this.close()
  }
}

/**
 * Watches a jail. Every event after this call has returned is told. The call is synchronous, so that a test misses none. `jail`, where it is a descriptor, may be
 * closed during the watch.
 * @throws SystemCallError `ENOENT` when there is no such jail
 */
export function watchJail(jail: JailKey | JailDescriptor, options: WatchJailOptions = {}): JailWatch {
  const events = nativeEvents('watchJail')
  const { pollMs = 50, isPolling: asked, ...others } = checkedObject(options, 'kevent', 'options')
  refuseOthers(others, 'kevent')
  const isPolling = booleanIn(asked, false, 'kevent', 'isPolling')
  // A timer takes a larger number for one millisecond.
  if (!isWhole(pollMs, 1, 2 ** 31 - 1)) throw refusal('kevent', 'EINVAL', 'pollMs', `pollMs is a whole number of 1 to 2147483647, which ${inWords(pollMs)} is not`)
  const isLooking = isPolling || !kernelSync().features.jailDescriptors
  if (JailDescriptor.isOne(jail)) {
    if (isLooking) return new JailWatch('polling', (tell) => withOwn(jail, (own) => poll(() => own.getSync(undefined, JAIL_DYING), pollMs, tell)))
    return new JailWatch('EVFILT_JAILDESC', (tell) => withOwn(jail, (own) => listen(events, own.fd, true, tell)))
  }
  if (isLooking) return new JailWatch('polling', (tell) => poll(lookBy(jail), pollMs, tell))
  const { jid } = jailGetSync(jail, ['jid'])
  return new JailWatch('EVFILT_JAIL', (tell) => listen(events, Number(jid), false, tell))
}

/**
 * Watches by a second descriptor, which does not own the jail. The events of a descriptor end when it is closed (kqueue(2), EVFILT_JAILDESC), which is before the
 * removal that the closing may cause.
 */
function withOwn(jail: JailDescriptor, start: (own: JailDescriptor) => () => void): () => void {
  const own = JailDescriptor.getSync({ jid: Number(jail.getSync(['jid'])['jid']) })
  try {
    // The jail is still there, so the jid was its own until now.
    jail.getSync(['jid'])
    const stop = start(own)
    return () => {
      stop()
      own.close()
    }
  } catch (error) {
    own.close()
    throw error
  }
}

function listen(events: NativeFreebsdEvents, number: number, isDescriptor: boolean, tell: (event: JailEvent) => void): () => void {
  const hear = (told: NativeJailEvents): void => {
    for (const event of eventsOf(told)) tell(event)
  }
  const watch = atOnce(() => events.watchJail(number, isDescriptor, hear))
  return () => events.over(watch)
}

// sys/event.h, NOTE_JAIL_*. MULTI: several processes were attached, or several jails made.
const NOTE = { CHILD: 0x8000_0000, SET: 0x4000_0000, ATTACH: 0x2000_0000, REMOVE: 0x1000_0000, MULTI: 0x0800_0000 } as const

function eventsOf({ notes, number }: NativeJailEvents): JailEvent[] {
  const has = (note: keyof typeof NOTE): boolean => (notes & NOTE[note]) !== 0
  const multiple = has('MULTI') ? { isMultiple: true } : undefined
  return [
    ...(has('CHILD') ? [{ kind: 'child', ...(multiple ?? { jid: number }) } as const] : []),
    ...(has('SET') ? [{ kind: 'set' } as const] : []),
    ...(has('ATTACH') ? [{ kind: 'attach', ...(multiple ?? { pid: number }) } as const] : []),
    ...(has('REMOVE') ? [{ kind: 'remove' } as const] : []),
  ]
}

function poll(look: () => Record<string, JailParameterValue>, pollMs: number, tell: (event: JailEvent) => void): () => void {
  let before = look()
  const timer = setInterval(() => {
    const after = lookAgain(look, before)
    if (after === undefined) return tell({ kind: 'remove' })
    if (Number(after['children.cur']) > Number(before['children.cur'])) tell({ kind: 'child' })
    if (settable(after) !== settable(before)) tell({ kind: 'set' })
    before = after
    if (after['dying'] === true) tell({ kind: 'remove' })
  }, pollMs)
  return () => clearInterval(timer)
}

function lookBy(key: JailKey): () => Record<string, JailParameterValue> {
  // By the jid: another jail may get the name later.
  const { jid } = jailGetSync(key, ['jid'])
  return () => jailGetSync({ jid: Number(jid) }, undefined, JAIL_DYING)
}

/** Undefined where the jail is gone. `before` where this look failed for another reason, such as a lack of memory. */
function lookAgain(look: () => Record<string, JailParameterValue>, before: Record<string, JailParameterValue>): Record<string, JailParameterValue> | undefined {
  try {
    return look()
  } catch (error) {
    return (error as BuildjailError).code === 'ENOENT' ? undefined : before
  }
}

function settable(parameters: Record<string, JailParameterValue>): string {
  const { dying: _dying, 'children.cur': _children, ...rest } = parameters
  return JSON.stringify(rest, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value))
}
