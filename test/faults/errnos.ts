import { constants } from 'node:os'

/** What each call is let fail with: no right, no memory, in use, interrupted, no room, no descriptor, and not known to the kernel. */
export const errnoNames = ['EPERM', 'ENOMEM', 'EBUSY', 'EINTR', 'ENOSPC', 'EMFILE', 'ENOSYS'] as const
export type ErrnoName = (typeof errnoNames)[number]

export function errnoOf(name: ErrnoName): number {
  return constants.errno[name]
}

/**
 * Calls that fail with nothing else, once their arguments are right: to say otherwise of them would be a lie, and what
 * follows from it no fault. An exited child stays to be waited for (wait(2), ERRORS).
 */
const only: Readonly<Record<string, readonly ErrnoName[]>> = { wait4: ['EINTR'], waitpid: ['EINTR'] }

export function canFailWith(call: string, errno: ErrnoName): boolean {
  return only[call]?.includes(errno) ?? true
}
