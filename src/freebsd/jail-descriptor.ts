import { closeSync } from 'node:fs'

import { encodeParameter, type JailParameterValue } from './jail-parameters.ts'
import { encoding, getting, JAIL_AT_DESC, JAIL_CREATE, JAIL_UPDATE, JAIL_USE_DESC, keyPair, type JailKey, type JailParameters } from './jails.ts'
import { native } from './native.ts'
import { kernelSteps } from './kernel.ts'
import { booleanIn, checkedObject, isChecked, refusal, type CallOptions } from './refusal.ts'
import { now, promised, step, type Steps } from './steps.ts'

const JAIL_GET_DESC = 0x40
const JAIL_OWN_DESC = 0x80

/** How a jail is opened. */
export interface OpenJailOptions extends CallOptions {
  /**
   * True: the kernel removes the jail when the last descriptor of this opening is closed, also by the death of its processes (JAIL_OWN_DESC). Default: false for
   * `get`, true for `create`.
   */
  readonly isOwning?: boolean
}

/**
 * A jail by descriptor (jail(2), since FreeBSD 15.0). It always means the same jail, even if another one gets the jid or the name. The descriptor is
 * close-on-exec from the start. The kernel makes it without that flag, so a child makes it and sends it to this program (unix(4)).
 *
 * A process that holds the descriptor may do with the jail what the process that opened it may. Methods throw SystemCallError: `ENOENT` when the
 * jail is gone, `EBADF` after `close`, `ENOSYS` where the kernel has no such descriptors.
 */
export class JailDescriptor implements Disposable {
  /** For fcntl(2), fstat(2) (the inode is the jid), poll(2), and to pass to another process. This object owns it. */
  readonly fd: number
  /** The jid when the jail was opened. That of a dying jail may change. */
  readonly jid: number
  #isClosed = false

  private constructor({ jid, descriptor }: { readonly jid: number; readonly descriptor: number }) {
    this.jid = jid
    this.fd = descriptor
  }

  /** @internal Whether the value is one. A proxy of one is not. */
  static isOne(value: unknown): value is JailDescriptor {
    return typeof value === 'object' && value !== null && #isClosed in value
  }

  /** jail_get(2) with JAIL_GET_DESC or JAIL_OWN_DESC: opens a jail that exists. */
  static get(key: JailKey, options: OpenJailOptions = {}): Promise<JailDescriptor> {
    return promised(JailDescriptor.#opening(key, options))
  }

  /** `get` on the spot. */
  static getSync(key: JailKey, options: OpenJailOptions = {}): JailDescriptor {
    return now(JailDescriptor.#opening(key, options))
  }

  /**
   * jail_set(2) with JAIL_CREATE: makes a jail, which its descriptor owns unless `isOwning` is false. `jailSet` says what root in a jail with `vnet` can do.
   * @throws SystemCallError as `jailSet`
   */
  static create(parameters: JailParameters, options: OpenJailOptions = {}): Promise<JailDescriptor> {
    return promised(JailDescriptor.#creating(parameters, options))
  }

  /** `create` on the spot. */
  static createSync(parameters: JailParameters, options: OpenJailOptions = {}): JailDescriptor {
    return now(JailDescriptor.#creating(parameters, options))
  }

  /** jail_set(2) with JAIL_UPDATE and JAIL_USE_DESC. */
  set(parameters: JailParameters, options: CallOptions = {}): Promise<void> {
    return promised(this.#setting(parameters, JAIL_UPDATE | JAIL_USE_DESC, options))
  }

  /** `set` on the spot. */
  setSync(parameters: JailParameters, options: CallOptions = {}): void {
    now(this.#setting(parameters, JAIL_UPDATE | JAIL_USE_DESC, options))
  }

  /** jail_get(2) with JAIL_USE_DESC. `names` and the result are those of `jailGet`. */
  get(names?: readonly string[], flags = 0, options: CallOptions = {}): Promise<Record<string, JailParameterValue>> {
    return promised(this.steps(names, flags, options))
  }

  /** `get` on the spot. */
  getSync(names?: readonly string[], flags = 0, options: CallOptions = {}): Record<string, JailParameterValue> {
    return now(this.steps(names, flags, options))
  }

  /**
   * jail_set(2) with JAIL_CREATE and JAIL_AT_DESC: makes a jail below this one. `parameters` need `persist`.
   * @returns its jid
   */
  createBelow(parameters: JailParameters, options: CallOptions = {}): Promise<number> {
    return promised(this.#settingAt(parameters, options))
  }

  /** `createBelow` on the spot. */
  createBelowSync(parameters: JailParameters, options: CallOptions = {}): number {
    return now(this.#settingAt(parameters, options))
  }

  /**
   * jail_get(2) with JAIL_AT_DESC: finds a jail below this one.
   * @returns its jid
   */
  find(key: JailKey): Promise<number> {
    return promised(this.#finding(key))
  }

  /** `find` on the spot. */
  findSync(key: JailKey): number {
    return now(this.#finding(key))
  }

  /** jail_remove_jd(2). The descriptor stays open. */
  remove(): Promise<void> {
    return promised(this.#removing())
  }

  /** `remove` on the spot. */
  removeSync(): void {
    now(this.#removing())
  }

  /** close(2). The kernel removes the jail of a descriptor that owns it. Does nothing the second time. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    closeSync(this.fd)
  }

  [Symbol.dispose](): void {
    this.close()
  }

  get #desc(): readonly [string, Uint8Array | null] {
    // Another file may have its number by now.
    return encodeParameter('desc', this.#isClosed ? -1 : this.fd, 'int')
  }

  static *#opening(key: JailKey, options: OpenJailOptions): Steps<JailDescriptor> {
    const freebsd = native('JailDescriptor.get')
    const { isOwning: asked, ...call } = checkedObject(options, 'jail_get', 'options')
    const isOwning = booleanIn(asked, false, 'jail_get', 'isOwning')
    const pair = keyPair(key, isChecked(call, 'jail_get'))
    yield* needDescriptors('jail_get')
    const pairs = [encodeParameter('desc', -1, 'int'), pair]
    return new JailDescriptor(yield* step((isNow) => freebsd.jailOpen('jail_get', pairs, isOwning ? JAIL_OWN_DESC : JAIL_GET_DESC, isNow)))
  }

  static *#creating(parameters: JailParameters, options: OpenJailOptions): Steps<JailDescriptor> {
    const freebsd = native('JailDescriptor.create')
    const { isOwning: asked, ...call } = checkedObject(options, 'jail_set', 'options')
    const isOwning = booleanIn(asked, true, 'jail_set', 'isOwning')
    yield* needDescriptors('jail_set')
    const pairs = [encodeParameter('desc', -1, 'int'), ...(yield* encoding(freebsd, parameters, call))]
    const flags = JAIL_CREATE | (isOwning ? JAIL_OWN_DESC : JAIL_GET_DESC)
    return new JailDescriptor(yield* step((isNow) => freebsd.jailOpen('jail_set', pairs, flags, isNow)))
  }

  *#setting(parameters: JailParameters, flags: number, options: CallOptions): Steps<void> {
    const freebsd = native('JailDescriptor.set')
    const pairs = [this.#desc, ...(yield* encoding(freebsd, parameters, options))]
    yield* step((isNow) => freebsd.jailSet(pairs, flags, isNow))
  }

  /** @internal `get` as a part of another call. */
  *steps(names: readonly string[] | undefined, flags = 0, options: CallOptions = {}): Steps<Record<string, JailParameterValue>> {
    return yield* getting(this.#desc, names, flags | JAIL_USE_DESC, options)
  }

  *#settingAt(parameters: JailParameters, options: CallOptions): Steps<number> {
    const freebsd = native('JailDescriptor.createBelow')
    const pairs = [this.#desc, ...(yield* encoding(freebsd, parameters, options))]
    return (yield* step((isNow) => freebsd.jailSet(pairs, JAIL_CREATE | JAIL_AT_DESC, isNow))).jid
  }

  *#finding(key: JailKey): Steps<number> {
    const freebsd = native('JailDescriptor.find')
    return (yield* step((isNow) => freebsd.jailGet([this.#desc, keyPair(key)], JAIL_AT_DESC, isNow))).jid
  }

  *#removing(): Steps<void> {
    const freebsd = native('JailDescriptor.remove')
    const descriptor = this.#isClosed ? -1 : this.fd
    yield* step((isNow) => freebsd.jailRemoveBy(descriptor, isNow))
  }
}

function* needDescriptors(syscall: string): Steps<void> {
  if ((yield* kernelSteps()).jailDescriptors) return
  throw refusal(syscall, 'ENOSYS', 'desc', 'this kernel has no descriptors of jails: FreeBSD has them since 15.0')
}
