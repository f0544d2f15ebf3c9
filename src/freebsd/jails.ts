import { SpecError, type BuildjailError } from '../errors.ts'
import type { NativeFreebsd, NativeIovec, NativeJailAnswer, NativeJailParameter } from '../native/freebsd.ts'
import { decodeParameter } from '../native/jail-values.ts'
import { encodeParameter, unnegated, type JailParameterValue } from './jail-parameters.ts'
import { native } from './native.ts'
import { checkedObject, copied, inWords, isChecked, isText, isWhole, refusal, type CallOptions } from './refusal.ts'
import { now, promised, step, type Steps } from './steps.ts'

export type { JailParameterValue } from './jail-parameters.ts'

/** Parameters of a jail by the names of jail(8). */
export type JailParameters = Readonly<Record<string, JailParameterValue>>

/** A jail by its number, by its name (seen from the jail of this process, as `parent.child`), or as the first one after a number. */
export type JailKey = { readonly jid: number } | { readonly name: string } | { readonly lastjid: number }

/** A parameter of jails, as the kernel lists it under security.jail.param. */
export interface JailParameter {
  readonly name: string
  readonly type: 'bool' | 'int' | 'ulong' | 'string' | 'jailsys' | 'in_addr' | 'in6_addr'
  /** Of a `string`: bytes, with its NUL. */
  readonly longest?: number
}

/** jail_set(2): the jail is made. Without JAIL_UPDATE it must not exist. */
export const JAIL_CREATE = 0x01
/** jail_set(2): the jail is changed. Without JAIL_CREATE it must exist. */
export const JAIL_UPDATE = 0x02
/** jail_get(2): also finds dying jails. */
export const JAIL_DYING = 0x08
/** jail_set(2) and jail_get(2), since 15.0: the jail is that of the descriptor `desc`. The methods of `JailDescriptor` use it. */
export const JAIL_USE_DESC = 0x10
/** jail_set(2) and jail_get(2), since 15.0: names are looked up below the jail of the descriptor `desc`. */
export const JAIL_AT_DESC = 0x20

// jail(2). A descriptor that the kernel makes needs an owner (jail-descriptor.ts), and JAIL_ATTACH is never done here (index.ts).
const attachOrDescriptor = 0x04 | 0x40 | 0x80
const known = JAIL_CREATE | JAIL_UPDATE | JAIL_DYING | JAIL_USE_DESC | JAIL_AT_DESC

/**
 * jail_set(2), with parameters by the names of jail(8):
 * - flags take a boolean (`persist: true`, `'allow.mount': false` for `allow.nomount`), or null for the name alone
 * - an int takes a number, an unsigned long a bigint
 * - `ip4`, `host`, `vnet` and the like take the words `disable`, `new` and `inherit`
 * - `ip4.addr` and `ip6.addr` take lists of addresses
 * - `meta` and `env` (since 15.0) and their keys, such as `meta.KEY`, take texts; null removes a key
 *
 * With `vnet: 'new'` processes of the user 0 in the jail may make and name network interfaces there. devd(8) and the kernel of the host trust those names: such
 * a process can execute commands as root of the host, hide the host's devices and make its kernel panic. So run nothing as the user 0 there that you do not
 * trust.
 * @param flags JAIL_CREATE, JAIL_UPDATE and JAIL_DYING. JAIL_ATTACH is refused, and so are the flags that make a descriptor.
 * @returns the jid.
 * @throws SystemCallError: the kernel's, with its own explanation in `detail`; or, before the call, `EINVAL` for a name that the kernel does not know
 * or cannot set and for a value of another type, `ENAMETOOLONG` for a text that is too long (`EFBIG` for `meta` and `env`).
 */
export function jailSet(parameters: JailParameters, flags: number, options: CallOptions = {}): Promise<number> {
  return promised(setting(parameters, flags, options))
}

/** `jailSet` on the spot. */
export function jailSetSync(parameters: JailParameters, flags: number, options: CallOptions = {}): number {
  return now(setting(parameters, flags, options))
}

/**
 * jail_get(2) of one jail. It is called three times: for the jid, for the sizes of all parameters, and for their values. Each parameter that the kernel lists but
 * does not answer costs one more call.
 * @param names which parameters; default: all that the kernel lists and answers for this jail. Single keys of `meta` and `env` (since 15.0) are names too, such as
 * `meta.KEY`.
 * @param flags 0 or JAIL_DYING.
 * @throws SystemCallError `ENOENT` when there is no such jail (a dying one is found with JAIL_DYING only); `EINVAL` for a name that the kernel does
 * not know.
 */
export function jailGet(key: JailKey, names?: readonly string[], flags = 0, options: CallOptions = {}): Promise<Record<string, JailParameterValue>> {
  return promised(gettingBy(key, names, flags, options))
}

/** `jailGet` on the spot. */
export function jailGetSync(key: JailKey, names?: readonly string[], flags = 0, options: CallOptions = {}): Record<string, JailParameterValue> {
  return now(gettingBy(key, names, flags, options))
}

/**
 * jail_get(2) with `lastjid`: all jails, by ascending jid. A jail that goes meanwhile is left out.
 * @param names which parameters of each; default: `jid`, `name`, `path` and `dying`
 * @param flags 0 or JAIL_DYING
 */
export function jailList(names: readonly string[] = listed, flags = 0): Promise<Record<string, JailParameterValue>[]> {
  return promised(listing(names, flags))
}

/** `jailList` on the spot. */
export function jailListSync(names: readonly string[] = listed, flags = 0): Record<string, JailParameterValue>[] {
  return now(listing(names, flags))
}

/**
 * jail_remove(2): kills the processes of the jail and of those below it, and returns at once. The jail is gone a little later. Does nothing to a jail that is
 * dying already.
 * @throws SystemCallError `EINVAL` where the jail of this process has no such jail below it
 */
export function jailRemove(jid: number): Promise<void> {
  return promised(removing(jid))
}

/** `jailRemove` on the spot. */
export function jailRemoveSync(jid: number): void {
  now(removing(jid))
}

/** The parameters of jails that the running kernel knows (the sysctl security.jail.param). A loaded module may add some. */
export function jailParameters(): Promise<readonly JailParameter[]> {
  return promised(parameterList())
}

/** `jailParameters` on the spot. */
export function jailParametersSync(): readonly JailParameter[] {
  return now(parameterList())
}

const listed = ['jid', 'name', 'path', 'dying']

type Known = ReadonlyMap<string, NativeJailParameter>

function* parameterList(): Steps<readonly NativeJailParameter[]> {
  const freebsd = native('jailParameters')
  return yield* step((isNow) => freebsd.jailParameters(isNow))
}

function* knownParameters(freebsd: NativeFreebsd): Steps<Known> {
  const parameters = yield* step((isNow) => freebsd.jailParameters(isNow))
  return new Map(parameters.map((parameter) => [parameter.name, parameter]))
}

function* setting(parameters: JailParameters, flags: number, options: CallOptions): Steps<number> {
  const freebsd = native('jailSet')
  checkFlags('jail_set', flags, isChecked(options, 'jail_set'))
  const iovecs = yield* encoding(freebsd, parameters, options)
  return (yield* step((isNow) => freebsd.jailSet(iovecs, flags, isNow))).jid
}

/** The parameters as jail_set(2) takes them. */
export function* encoding(freebsd: NativeFreebsd, parameters: JailParameters, options: CallOptions): Steps<NativeIovec[]> {
  const check = isChecked(options, 'jail_set')
  const given = Object.entries(checkedObject(parameters, 'jail_set', 'parameters'))
  const types = yield* knownParameters(freebsd)
  return given.map(([name, value]) => {
    if (check) checkName(types, name)
    // A key without a value is removed (jm_osd_method_set).
    const type = value === null && isMetadata(name) ? undefined : typeOf(types, name)
    const encoded = encodeParameter(name, value, type, check)
    if (check) checkLength(types, encoded)
    return encoded
  })
}

function* removing(jid: number): Steps<void> {
  const freebsd = native('jailRemove')
  yield* step((isNow) => freebsd.jailRemove(jid, isNow))
}

function* listing(names: readonly string[], flags: number): Steps<Record<string, JailParameterValue>[]> {
  const freebsd = native('jailList')
  checkFlags('jail_get', flags, true)
  const found: Record<string, JailParameterValue>[] = []
  for (let lastjid = 0; ; ) {
    try {
      lastjid = (yield* step((isNow) => freebsd.jailGet([encodeParameter('lastjid', lastjid, undefined)], flags, isNow))).jid
    } catch (error) {
      if ((error as BuildjailError).code === 'ENOENT') return found
      throw error
    }
    try {
      found.push(yield* getting(encodeParameter('jid', lastjid, undefined), names, flags, {}))
    } catch (error) {
      if ((error as BuildjailError).code !== 'ENOENT') throw error
    }
  }
}

/** @throws SystemCallError `EINVAL` for another object. Without checks any pair goes to the kernel, which may refuse it. */
export function keyPair(key: JailKey, check = true): NativeIovec {
  const [given, ...more] = Object.entries(checkedObject(key, 'jail_get', 'jail')) as [string, string | number][]
  const [name, value] = given ?? ['', 0]
  if (!check) return encodeParameter(name, value, undefined)
  if (more.length > 0 || !['jid', 'name', 'lastjid'].includes(name)) throw refusal('jail_get', 'EINVAL', 'jail', 'a jail is one of { jid }, { name } and { lastjid }')
  return encodeParameter(name, value, name === 'name' ? 'string' : 'int')
}

function* gettingBy(key: JailKey, names: readonly string[] | undefined, flags: number, options: CallOptions): Steps<Record<string, JailParameterValue>> {
  native('jailGet')
  return yield* getting(keyPair(key, isChecked(options, 'jail_get')), names, flags, options)
}

/** @param key which jail, with JAIL_USE_DESC among the flags `desc` */
export function* getting(key: NativeIovec, names: readonly string[] | undefined, flags: number, options: CallOptions): Steps<Record<string, JailParameterValue>> {
  const freebsd = native('jailGet')
  const check = isChecked(options, 'jail_get')
  checkFlags('jail_get', flags, check)
  const given = names === undefined ? undefined : copied(names, mostNames, 'jail_get', 'names', isText, 'the name of a parameter')
  const types = yield* knownParameters(freebsd)
  const asked = new Map((given ?? [...types.keys()]).map((name) => [name, typeOf(types, name)]))
  if (check) {
    for (const [name, type] of asked) if (type === undefined) throw refusal('jail_get', 'EINVAL', name, `unknown parameter: ${name}`)
  }
  // The jid comes first, so that all answers are about the same jail. A descriptor always means the same one.
  const { jid } = yield* step((isNow) => freebsd.jailGet([key], flags, isNow))
  const fixed = (flags & JAIL_USE_DESC) === 0 ? encodeParameter('jid', jid, undefined) : key
  const ask = (questions: readonly NativeIovec[]): Steps<NativeJailAnswer> => step((isNow) => freebsd.jailGet([fixed, ...questions], flags, isNow))
  const answers = yield* askForAll(ask, [...asked.keys()], names === undefined)
  const found: Record<string, JailParameterValue> = {}
  for (const [name, type] of asked) {
    const bytes = answers.get(name)
    if (name === 'jid') found[name] = jid
    else if (bytes !== undefined) found[name] = type === undefined ? bytes : decodeParameter(type, bytes)
  }
  return found
}

/** UIO_MAXIOV of sys/uio.h bounds jail_get(2), which takes two for a name. */
const mostNames = 1024 / 2

/** The most that the kernel allows by default (the sysctl security.jail.meta_maxbufsize). */
const metadataSize = 4096
/** A value can grow between the question for its size and the question for the value. Both are asked so often at most. */
const mostTries = 5

function* askForAll(
  ask: (asked: readonly NativeIovec[]) => Steps<NativeJailAnswer>,
  names: readonly string[],
  isUnansweredLeftOut: boolean,
): Steps<Map<string, Uint8Array>> {
  // The jid is in the question already, and the kernel keeps the last of two equal names.
  const wanted = new Set(names.filter((name) => name !== 'jid'))
  for (let tries = 1; ; ) {
    const order = [...wanted].filter((name) => !isMetadata(name))
    const metadata = [...wanted].filter(isMetadata)
    try {
      // The answer for an empty buffer is the size (jail_get(2)). For metadata, which has no size, it is EINVAL.
      const { sizes } = yield* ask(order.map((name) => [name, null]))
      const { values } = yield* ask([
        ...order.map((name, index): NativeIovec => [name, sizes[index + 1] ? new Uint8Array(sizes[index + 1] ?? 0) : null]),
        ...metadata.map((name): NativeIovec => [name, new Uint8Array(tries * metadataSize)]),
      ])
      return new Map([...order, ...metadata].map((name, index) => [name, values[index + 1] ?? new Uint8Array()]))
    } catch (error) {
      const { code, detail } = error as BuildjailError
      // It is listed, but its module does not answer for this jail. The kernel names it.
      const unanswered = /^unknown parameter: (.*)$/.exec(detail ?? '')?.[1]
      if (isUnansweredLeftOut && unanswered !== undefined && wanted.delete(unanswered)) continue
      if (code !== 'EINVAL' || tries === mostTries || unanswered !== undefined) throw error
      tries += 1
    }
  }
}

/** jail(8), "meta" and "env": the caller chooses the keys below them, and each is a text. */
function isMetadata(name: string): boolean {
  return /^(meta|env)(\.|$)/.test(name)
}

function listedAs(types: Known, name: string): NativeJailParameter | undefined {
  return types.get(isMetadata(name) ? name.split('.', 1).join() : name)
}

function typeOf(types: Known, name: string): NativeJailParameter['type'] | undefined {
  return listedAs(types, name)?.type
}

/** jail_get(2) answers these, and jail_set(2) refuses them (kern_jail_set). */
const readOnly: ReadonlySet<string> = new Set(['children.cur', 'cpuset.id', 'dying', 'lastjid', 'parent'])

function checkName(types: Known, name: string): void {
  if (listedAs(types, name) !== undefined && !readOnly.has(name)) return
  if (typeOf(types, unnegated(name) ?? '') === 'bool' && !readOnly.has(unnegated(name) ?? '')) return
  throw refusal('jail_set', 'EINVAL', name, `unknown parameter: ${name}`)
}

function checkLength(types: Known, [name, value]: NativeIovec): void {
  const { type, longest = 0 } = listedAs(types, name) ?? {}
  if (type !== 'string' || longest === 0 || value === null || value.length <= longest) return
  throw refusal('jail_set', isMetadata(name) ? 'EFBIG' : 'ENAMETOOLONG', name, `${name} has ${value.length} bytes with its NUL, of at most ${longest}`)
}

function checkFlags(syscall: string, flags: number, check: boolean): void {
  if (!isWhole(flags, 0, 2 ** 31 - 1)) throw refusal(syscall, 'EINVAL', 'flags', `flags is a whole number of 0 to 2147483647, which ${inWords(flags)} is not`)
  const text = `0x${flags.toString(16)}`
  if ((flags & attachOrDescriptor) !== 0)
    throw new SpecError('ERR_BUILDJAIL_INVALID_SPEC', 'flags', `${text} would attach this process or open a descriptor`, { step: syscall })
  if (check && (flags & ~known) !== 0) throw refusal(syscall, 'EINVAL', 'flags', `flags ${text} has bits outside of 0x${known.toString(16)}`)
}
