/**
 * The raw calls of FreeBSD that sessions stand on, one to one: for tests at the level of the system call, and for jails
 * that are not builds. On other systems this loads, and every call rejects with ERR_BUILDJAIL_UNSUPPORTED_PLATFORM.
 *
 * jail_attach(2) and setuid(2) act on the whole process and cannot be taken back, so they are not here: a session does
 * them in the child it launches.
 */
import { binding } from './binding.ts'
import { BuildjailError, typed, unsupportedPlatform } from './errors.ts'
import { decodeParameter, encodeParameter, textValue, type JailParameterValue } from './jail-parameters.ts'
import type { NativeFreebsd, NativeIovec, NativeJailParameter, NativeMount } from './native.ts'

export type { JailParameterValue } from './jail-parameters.ts'
export type JailParameters = Readonly<Record<string, JailParameterValue>>
export type MountEntry = NativeMount

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
 * @returns the jid.
 * @throws SystemCallError with the kernel's own explanation in `detail`.
 */
export async function jailSet(parameters: JailParameters, flags: number): Promise<number> {
  const freebsd = calls('jailSet')
  const known = parameterTypes(freebsd)
  const iovecs = Object.entries(parameters).map(([name, value]): NativeIovec => encodeParameter(name, value, known.get(name)))
  return (await settle(freebsd.jailSet(iovecs, flags))).jid
}

/**
 * jail_get(2) of the jail named by `jid`, `name` or `lastjid`.
 * @param names which parameters; default: every one the kernel knows and answers for this jail.
 * @throws SystemCallError `ENOENT` when there is no such jail (a dying one counts with JAIL_DYING only).
 */
export async function jailGet(
  key: { readonly jid: number } | { readonly name: string } | { readonly lastjid: number },
  names?: readonly string[],
  flags = 0,
): Promise<Record<string, JailParameterValue>> {
  const freebsd = calls('jailGet')
  const known = parameterTypes(freebsd)
  const [[keyName, keyValue] = ['jid', 0]] = Object.entries(key) as [string, string | number][]
  const keyed = encodeParameter(keyName, keyValue, undefined)
  // The jail is fixed first, so that all answers are about one.
  const { jid } = await settle(freebsd.jailGet([keyed], flags))
  const found: Record<string, JailParameterValue> = {}
  for (const name of names ?? known.keys()) {
    const type = known.get(name)
    if (type === undefined) {
      throw new BuildjailError('ERR_BUILDJAIL_INVALID_SPEC', `${name} is not a jail parameter of this kernel`, { entry: name, step: 'jail_get' })
    }
    try {
      // The key of the question cannot be asked for as well: of two equal names the kernel keeps the last.
      found[name] = name === 'jid' ? jid : decodeParameter(type, await getBytes(freebsd, jid, name, flags))
    } catch (error) {
      // Listed, but of a module that does not answer for this jail.
      if (names !== undefined || (error as NodeJS.ErrnoException).code !== 'EINVAL') throw error
    }
  }
  return found
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

/** getfsstat(2), MNT_NOWAIT: what is mounted, as this process may see it. */
export async function mountTable(): Promise<MountEntry[]> {
  return settle(calls('mountTable').mountTable())
}

/** The parameters of jails that the running kernel knows (the sysctl security.jail.param). */
export async function jailParameters(): Promise<readonly NativeJailParameter[]> {
  try {
    return calls('jailParameters').jailParameters()
  } catch (error) {
    throw typed(error)
  }
}

function calls(name: string): NativeFreebsd {
  if (process.platform !== 'freebsd') throw unsupportedPlatform(name)
  const { freebsd } = binding()
  if (freebsd === undefined) throw unsupportedPlatform(name)
  return freebsd
}

function parameterTypes(freebsd: NativeFreebsd): Map<string, NativeJailParameter['type']> {
  try {
    return new Map(freebsd.jailParameters().map(({ name, type }) => [name, type]))
  } catch (error) {
    throw typed(error)
  }
}

// What has no fixed size is asked for twice: an empty buffer is answered with the size (jail_get(2)).
async function getBytes(freebsd: NativeFreebsd, jid: number, name: string, flags: number): Promise<Uint8Array> {
  const key = encodeParameter('jid', jid, undefined)
  const asked = await settle(freebsd.jailGet([key, [name, null]], flags))
  const size = asked.sizes[1] ?? 0
  if (size === 0) return new Uint8Array()
  const answered = await settle(freebsd.jailGet([key, [name, new Uint8Array(size)]], flags))
  return answered.values[1] ?? new Uint8Array()
}

async function settle<T>(call: Promise<T>): Promise<T> {
  try {
    return await call
  } catch (error) {
    throw typed(error)
  }
}
