import { unsupportedOverlay } from '../errors.ts'
import { bare } from './plain-data.ts'
import { identityOf, isLeftOut, missingFolder, pathOf, resolved, statOf } from './source.ts'
import type { Mount } from './plan-types.ts'
import { refusal } from './check.ts'
import type { Draft } from './field.ts'
import type { InputSource } from './fields/sources.ts'
import type { FileStatus } from './look.ts'

type Whose = Pick<FileStatus, 'uid' | 'gid' | 'mode'>

const owners = new WeakMap<Mount, Whose>()
const reasons = new WeakMap<Mount, string>()

/** Whose the source of an input or an output was when it was looked at. */
export function whoseIs(mount: Mount): Readonly<{ uid: number, gid: number, mode: number }> | undefined {
  const found = owners.get(mount)
  return found === undefined ? undefined : { uid: Number(found.uid), gid: Number(found.gid), mode: Number(found.mode) }
}

/** Why it is a copy and no overlay, where the system has those. */
export function whyCopied(mount: Mount): string | undefined {
  return reasons.get(mount)
}

/** A copy in the place of an overlay that cannot be. */
export function copyInstead(overlay: Mount, reason: string): Mount {
  const copy = bare<Mount>({ ...overlay, kind: 'copy' })
  reasons.set(copy, reason)
  return copy
}

/** The same at another target. */
export function movedTo(input: Mount, target: string): Mount {
  if (input.target === target) return input
  const moved = bare<Mount>({ ...input, target })
  const owner = owners.get(input)
  if (owner !== undefined) owners.set(moved, owner)
  return moved
}

/** @throws SpecError when the source is not there, or is neither a directory nor a regular file. */
function inputMount(entry: string, declared: string, target: string): Mount {
  const stats = statOf(declared, entry)
  const isDirectory = stats.isDirectory()
  // A socket, a FIFO or a device would lead out of the session.
  if (!isDirectory && !stats.isFile()) {
    throw refusal('ERR_BUILDJAIL_SOURCE_UNFIT', entry, `${declared} is neither a directory nor a regular file`, declared)
  }
  const [kind, source] = [isDirectory ? 'bind' : 'file', resolved(declared, entry)] as const
  const mount = bare<Mount>({ kind, target, source, identity: identityOf(stats), writable: false, entry })
  owners.set(mount, stats)
  return mount
}

/**
 * On FreeBSD a copy (native/freebsd/parts.h, add_copy). On Linux overlayfs; a copy where it is known by now that this cannot be. What else
 * keeps the host from it is found by opening (`withCopies`).
 * @throws SpecError when the source is not there, or is no directory.
 */
function overlayMount(entry: string, declared: string, target: string, platform: NodeJS.Platform): Mount {
  const stats = statOf(declared, entry)
  if (!stats.isDirectory()) throw refusal('ERR_BUILDJAIL_SOURCE_UNFIT', entry, `${declared} is not a directory, and an overlay is of a directory`, declared)
  const kind = platform === 'freebsd' ? 'copy' : 'overlay'
  const mount = bare<Mount>({ kind, target, source: resolved(declared, entry), identity: identityOf(stats), writable: true, entry })
  return kind === 'overlay' && !isAllCallers(stats) ? copyInstead(mount, notCallers(mount, stats)) : mount
}

// Also in native/linux/sources.cc (map_overlay): without root, overlayfs can give the build no file of others.
function isAllCallers({ uid, gid }: Whose): boolean {
  const caller = process.geteuid?.() ?? 0
  return caller === 0 || (Number(uid) === caller && Number(gid) === process.getegid?.())
}

function notCallers({ source, target }: Mount, { uid, gid }: Whose): string {
  const remedy = 'use a folder of your own and of your first group, or run it as root'
  const problem = `the folder belongs to the user ${uid} and the group ${gid}, and without root only what is the caller's can be the build's`
  return unsupportedOverlay(problem, { ...(source !== undefined && { path: source }), dest: target, remedy }).message
}

/**
 * A folder that is missing is made when a session opens, with what is missing above it: the plan changes nothing.
 * @throws SpecError when the source is not a directory, or cannot be looked at.
 */
export function outputMount(entry: string, declared: string, target: string, kind: 'bind' | 'store' = 'bind'): Mount {
  const missing = missingFolder(declared, entry)
  if (missing !== undefined) return bare({ kind, target, source: missing.path, missingIn: missing.within, writable: true, entry })
  const stats = statOf(declared, entry)
  if (!stats.isDirectory()) throw refusal('ERR_BUILDJAIL_SOURCE_UNFIT', entry, `${declared} is not a directory`, declared)
  const mount = bare<Mount>({ kind, target, source: resolved(declared, entry), identity: identityOf(stats), writable: true, entry })
  owners.set(mount, stats)
  return mount
}

/**
 * The mount of an input or a part of the toolchain. Undefined where it is optional and not there: the plan tells of it then.
 * @throws SpecError when the source is not there, or is neither a directory nor a regular file.
 */
export function plannedInput(draft: Draft, entry: string, source: InputSource, target: string): Mount | undefined {
  if (isLeftOut(draft, entry, source)) return undefined
  const isOverlay = typeof source === 'object' && source.overlay === true
  return isOverlay ? overlayMount(entry, pathOf(source), target, draft.platform) : inputMount(entry, pathOf(source), target)
}
