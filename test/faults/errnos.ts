import { constants } from 'node:os'

/**
 * What each call is let fail with: no right, no memory, in use, interrupted, no room, no descriptor, not known to the
 * kernel, and not there.
 */
export const errnoNames = ['EPERM', 'ENOMEM', 'EBUSY', 'EINTR', 'ENOSPC', 'EMFILE', 'ENOSYS', 'ENOENT'] as const
export type ErrnoName = (typeof errnoNames)[number]

export function errnoOf(name: ErrnoName): number {
  return constants.errno[name]
}

/**
 * Calls that fail with nothing else, once their arguments are right: to say otherwise of them would be a lie, and what
 * follows from it no fault. An exited child stays to be waited for (wait(2), ERRORS).
 */
const only: Readonly<Record<string, readonly ErrnoName[]>> = { wait4: ['EINTR'], waitpid: ['EINTR'] }

/** Which says that what is gone already is gone, of most calls; not of this one, whose directories are the session's. */
const mayNotBeThere: readonly string[] = ['nmount']

export function canFailWith(call: string, errno: ErrnoName): boolean {
  if (errno === 'ENOENT') return mayNotBeThere.includes(call)
  return only[call]?.includes(errno) ?? true
}
