import type { FileSystem, MountEntry, NativeIovec } from '../native/freebsd.ts'
import { textValue } from './jail-parameters.ts'
import { native } from './native.ts'
import { checkedObject, isChecked, refusal, type CallOptions } from './refusal.ts'
import { now, promised, step, type Steps } from './steps.ts'

// nmount(2) and unmount(2), as bits of `flags` (sys/mount.h).

export const MNT_RDONLY = 0x0000_0001
export const MNT_SYNCHRONOUS = 0x0000_0002
export const MNT_NOEXEC = 0x0000_0004
export const MNT_NOSUID = 0x0000_0008
export const MNT_NFS4ACLS = 0x0000_0010
export const MNT_UNION = 0x0000_0020
export const MNT_ASYNC = 0x0000_0040
export const MNT_SUIDDIR = 0x0010_0000
export const MNT_SOFTDEP = 0x0020_0000
export const MNT_NOSYMFOLLOW = 0x0040_0000
export const MNT_MULTILABEL = 0x0400_0000
export const MNT_ACLS = 0x0800_0000
export const MNT_NOATIME = 0x1000_0000
export const MNT_NOCLUSTERR = 0x4000_0000
/** nmount(2): changes the mount that is there. */
export const MNT_UPDATE = 0x0001_0000
export const MNT_RELOAD = 0x0004_0000
/** unmount(2): also if it is in use. nmount(2): also if files are open for writing. */
export const MNT_FORCE = 0x0008_0000
export const MNT_SNAPSHOT = 0x0100_0000
/** unmount(2): the target is an FSID. `unmount` sets it itself. */
export const MNT_BYFSID = 0x0800_0000

/** sys/mount.h: bytes, with the NUL. */
const longestType = 16
const longestPath = 1024

/**
 * nmount(2). `true` gives an option without a value, and `false` the option with `no` before it. Bytes go to the kernel unchanged, and only with `check: false`.
 * @param flags MNT_ constants
 * @throws SystemCallError: the kernel's, with its explanation in `detail`; or, before the call, `EINVAL` without `fstype` or `fspath` or with a NUL
 * inside a text, and `ENAMETOOLONG`. Other options belong to each file system, and the kernel refuses them.
 */
export function nmount(options: Readonly<Record<string, string | boolean | Uint8Array>>, flags = 0, how: CallOptions = {}): Promise<void> {
  return promised(mounting(options, flags, how))
}

/** `nmount` on the spot. */
export function nmountSync(options: Readonly<Record<string, string | boolean | Uint8Array>>, flags = 0, how: CallOptions = {}): void {
  now(mounting(options, flags, how))
}

/**
 * unmount(2) of a path, or of an FSID as `mountTable` and `statfs` give it. By an FSID no path is looked up (MNT_BYFSID).
 * @param flags 0 or MNT_FORCE
 * @throws SystemCallError `EINVAL` where nothing is mounted at that very path, `ENOENT` where no mount has that FSID, `EBUSY` when the mount is in use
 */
export function unmount(target: string, flags = 0): Promise<void> {
  return promised(unmounting(target, flags))
}

/** `unmount` on the spot. */
export function unmountSync(target: string, flags = 0): void {
  now(unmounting(target, flags))
}

/** getfsstat(2) with MNT_NOWAIT: the mounts that this process may see, the oldest first. */
export function mountTable(): Promise<MountEntry[]> {
  return promised(listing())
}

/** `mountTable` on the spot. */
export function mountTableSync(): MountEntry[] {
  return now(listing())
}

/**
 * statfs(2): the file system that a path is in.
 * @throws SystemCallError `ENOENT`, `EACCES`, ...
 */
export function statfs(path: string): Promise<FileSystem> {
  return promised(looking(path))
}

/** `statfs` on the spot. */
export function statfsSync(path: string): FileSystem {
  return now(looking(path))
}

function* mounting(options: Readonly<Record<string, string | boolean | Uint8Array>>, flags: number, how: CallOptions): Steps<void> {
  const freebsd = native('nmount')
  const check = isChecked(how, 'nmount')
  const iovecs = Object.entries(checkedObject(options, 'nmount', 'options')).map(([name, value]): NativeIovec => {
    if (typeof value === 'boolean') return [value ? name : `no${name}`, null]
    if (typeof value === 'string') return [name, textValue(value, 'nmount', name, check)]
    if (check) throw refusal('nmount', 'EINVAL', name, `${name} is neither a text nor true or false`)
    return [name, value]
  })
  if (check) checkMandatory(iovecs)
  yield* step((isNow) => freebsd.nmount(iovecs, flags, isNow))
}

/** What vfs_donmount checks, in its words. */
function checkMandatory(iovecs: readonly NativeIovec[]): void {
  for (const [wanted, longest] of [['fstype', longestType], ['fspath', longestPath]] as const) {
    const [, value] = iovecs.find(([name]) => name === wanted) ?? []
    if (value === undefined || value === null) throw refusal('nmount', 'EINVAL', wanted, `Invalid ${wanted}`)
    if (value.length > longest) throw refusal('nmount', 'ENAMETOOLONG', wanted, `${wanted} has ${value.length} bytes with its NUL, of at most ${longest}`)
  }
}

function* unmounting(target: string, flags: number): Steps<void> {
  const freebsd = native('unmount')
  yield* step((isNow) => freebsd.unmount(target, flags, isNow))
}

function* listing(): Steps<MountEntry[]> {
  const freebsd = native('mountTable')
  return yield* step((isNow) => freebsd.mountTable(isNow))
}

function* looking(path: string): Steps<FileSystem> {
  const freebsd = native('statfs')
  return yield* step((isNow) => freebsd.statfs(path, isNow))
}
