/**
 * The raw calls of FreeBSD that sessions stand on, one to one: for tests at the level of the system call, and for jails
 * that are not builds. On other systems this loads, and every call rejects with an UnsupportedPlatformError.
 *
 * jail_attach(2) and setuid(2) act on the whole process and cannot be taken back, so they are not here: a session does
 * them in the child it launches.
 */
import { binding } from '../native/load.ts'
import { typed, UnsupportedPlatformError, type BuildjailError } from '../errors.ts'
import { InvalidSpecError } from '../spec-errors.ts'
import { decodeParameter, encodeParameter, textValue, type JailParameterValue } from './jail-parameters.ts'
import type { NativeFreebsd, NativeIovec, NativeJailAnswer, NativeJailParameter } from '../native/binding.ts'

export type { JailParameterValue } from './jail-parameters.ts'
export type JailParameters = Readonly<Record<string, JailParameterValue>>

/** One mount of the system's table. */
export interface MountEntry {
  /** `nullfs`, `tmpfs`, ... */
  readonly type: string
  readonly from: string
  readonly on: string
  /** As `unmount` takes it. */
  readonly fsid: string
  /** Names of its MNT_ flags. */
  readonly flags: readonly string[]
}

/** A parameter of jails as the kernel lists it under security.jail.param. */
export interface JailParameter {
  readonly name: string
  readonly type: 'bool' | 'int' | 'ulong' | 'string' | 'jailsys' | 'in_addr' | 'in6_addr'
}

/** jail(2). */
export const JAIL_CREATE = 0x01
export const JAIL_UPDATE = 0x02
export const JAIL_DYING = 0x08
/** nmount(2), as bits of its `flags`. */
export const MNT_RDONLY = 0x0000_0001
export const MNT_NOEXEC = 0x0000_0004
export const MNT_NOSUID = 0x0000_0008
export const MNT_UPDATE = 0x0001_0000
/** unmount(2). */
export const MNT_FORCE = 0x0008_0000

/**
 * jail_set(2). A boolean is a flag (`persist: true`, `'allow.mount': false` for `allow.nomount`), a number an int, a bigint
 * an unsigned long; `ip4`, `host`, `vnet` and their like take jail(8)'s words `disable`, `new`, `inherit`; `ip4.addr` and
 * `ip6.addr` take lists of addresses.
 * @param flags of JAIL_CREATE, JAIL_UPDATE and JAIL_DYING. Neither JAIL_ATTACH, for which see above, nor the flags for descriptors.
 * @returns the jid.
 * @throws InvalidSpecError naming the parameter whose value is of another type than the kernel's;
 * SystemCallError with the kernel's own explanation in `detail`.
 */
export async function jailSet(parameters: JailParameters, flags: number): Promise<number> {
  const freebsd = calls('jailSet')
  checkFlags(flags, JAIL_CREATE | JAIL_UPDATE | JAIL_DYING)
  const known = parameterTypes(freebsd)
  const iovecs = Object.entries(parameters).map(([name, value]): NativeIovec => encodeParameter(name, value, typeOf(known, name)))
  return (await settle(freebsd.jailSet(iovecs, flags))).jid
}

/**
 * jail_get(2) of the jail named by `jid`, `name` or `lastjid`. That is called once for which jail it is, once for the sizes of its
 * parameters and once for their values, all at once; and again for each that the kernel lists and does not answer for.
 * @param names which parameters; default: every one the kernel lists and answers for of this jail. Of `meta` and `env` (FreeBSD 15)
 * also single keys, as `meta.KEY`.
 * @param flags 0 or JAIL_DYING.
 * @throws SystemCallError `ENOENT` when there is no such jail (a dying one counts with JAIL_DYING only).
 */
export async function jailGet(
  key: { readonly jid: number } | { readonly name: string } | { readonly lastjid: number },
  names?: readonly string[],
  flags = 0,
): Promise<Record<string, JailParameterValue>> {
  const freebsd = calls('jailGet')
  checkFlags(flags, JAIL_DYING)
  const known = parameterTypes(freebsd)
  const types = new Map((names ?? [...known.keys()]).map((name) => [name, typeOf(known, name)]))
  for (const [name, type] of types) {
    if (type !== undefined) continue
    throw new InvalidSpecError(name, 'is not a jail parameter of this kernel', { step: 'jail_get' })
  }
  const [[keyName, keyValue] = ['jid', 0]] = Object.entries(key) as [string, string | number][]
  // The jail is fixed first, so that all answers are about one.
  const { jid } = await settle(freebsd.jailGet([encodeParameter(keyName, keyValue, undefined)], flags))
  const ask = (asked: readonly NativeIovec[]): Promise<NativeJailAnswer> => settle(freebsd.jailGet([encodeParameter('jid', jid, undefined), ...asked], flags))
  const answers = await askForAll(ask, [...types.keys()], names === undefined)
  const found: Record<string, JailParameterValue> = {}
  for (const [name, type] of types) {
    const bytes = answers.get(name)
    if (name === 'jid') found[name] = jid
    else if (bytes !== undefined && type !== undefined) found[name] = decodeParameter(type, bytes)
  }
  return found
}

/** The most that the kernel allows, unless it is told otherwise (the sysctl security.jail.meta_maxbufsize). */
const metadataSize = 4096
/** A value can grow between the question for its size and the question for the value. It is asked for so often at most. */
const mostTries = 5

async function askForAll(
  ask: (asked: readonly NativeIovec[]) => Promise<NativeJailAnswer>,
  names: readonly string[],
  isUnansweredLeftOut: boolean,
): Promise<Map<string, Uint8Array>> {
  // The key of the question cannot be asked for as well: of two equal names the kernel keeps the last.
  const wanted = new Set(names.filter((name) => name !== 'jid'))
  for (let tries = 1; ; ) {
    const order = [...wanted].filter((name) => !isMetadata(name))
    const metadata = [...wanted].filter(isMetadata)
    try {
      // An empty buffer is answered with the size (jail_get(2)); of metadata, which has none, with EINVAL.
      const { sizes } = await ask(order.map((name) => [name, null]))
      const { values } = await ask([
        ...order.map((name, index): NativeIovec => [name, sizes[index + 1] ? new Uint8Array(sizes[index + 1] ?? 0) : null]),
        ...metadata.map((name): NativeIovec => [name, new Uint8Array(tries * metadataSize)]),
      ])
      return new Map([...order, ...metadata].map((name, index) => [name, values[index + 1] ?? new Uint8Array()]))
    } catch (error) {
      const { code, detail } = error as BuildjailError
      // Listed, but of a module that does not answer for this jail: the kernel names it.
      const unanswered = /^unknown parameter: (.*)$/.exec(detail ?? '')?.[1]
      if (isUnansweredLeftOut && unanswered !== undefined && wanted.delete(unanswered)) continue
      if (code !== 'EINVAL' || tries === mostTries) throw error
      tries += 1
    }
  }
}

/** jail_remove(2): kills what is in the jail and returns at once; the jail is gone a little later. */
export async function jailRemove(jid: number): Promise<void> {
  return settle(calls('jailRemove').jailRemove(jid))
}

/** nmount(2). `true` is an option without a value, `false` one with `no` before it. */
export async function nmount(options: Readonly<Record<string, string | boolean>>, flags = 0): Promise<void> {
  const iovecs = Object.entries(options).map(([name, value]): NativeIovec => {
    if (typeof value === 'string') return [name, textValue(value)]
    return [value ? name : `no${name}`, null]
  })
  return settle(calls('nmount').nmount(iovecs, flags))
}

/** unmount(2) of a path, or of an FSID as `mountTable` gives it (MNT_BYFSID). */
export async function unmount(target: string, flags = 0): Promise<void> {
  return settle(calls('unmount').unmount(target, flags))
}

/** getfsstat(2), MNT_NOWAIT: the mounts that this process may see. */
export async function mountTable(): Promise<MountEntry[]> {
  return settle(calls('mountTable').mountTable())
}

/** The parameters of jails that the running kernel knows (the sysctl security.jail.param). */
export async function jailParameters(): Promise<readonly JailParameter[]> {
  try {
    return calls('jailParameters').jailParameters()
  } catch (error) {
    throw typed(error)
  }
}

function calls(name: string): NativeFreebsd {
  if (process.platform !== 'freebsd') throw new UnsupportedPlatformError(name)
  const { freebsd } = binding()
  if (freebsd === undefined) throw new UnsupportedPlatformError(name)
  return freebsd
}

function parameterTypes(freebsd: NativeFreebsd): Map<string, NativeJailParameter['type']> {
  try {
    return new Map(freebsd.jailParameters().map(({ name, type }) => [name, type]))
  } catch (error) {
    throw typed(error)
  }
}

/** jail(8), "meta" and "env": the keys below them are the caller's, each a text. */
function isMetadata(name: string): boolean {
  return /^(meta|env)(\.|$)/.test(name)
}

function typeOf(known: ReadonlyMap<string, NativeJailParameter['type']>, name: string): NativeJailParameter['type'] | undefined {
  return known.get(isMetadata(name) ? name.split('.', 1).join() : name)
}

function checkFlags(flags: number, known: number): void {
  if (Number.isInteger(flags) && (flags & ~known) === 0) return
  throw new InvalidSpecError('flags', `0x${flags.toString(16)} is not of 0x${known.toString(16)}`, { step: 'jail' })
}

async function settle<T>(call: Promise<T>): Promise<T> {
  try {
    return await call
  } catch (error) {
    throw typed(error)
  }
}
