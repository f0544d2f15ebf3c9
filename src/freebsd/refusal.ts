import os from 'node:os'

import { SystemCallError } from '../errors.ts'

/** How a call is checked before it is made. */
export interface CallOptions {
  /**
   * Default: true, names, types and lengths are looked at first, and what the kernel would refuse is refused with the errno that it would give
   * (`step` is `check`, and `entry` names what it was). False: everything goes to the kernel as it is.
   */
  readonly check?: boolean
}

/** The errors of the kernel that are given in its stead. */
export type Errno = 'EINVAL' | 'ENAMETOOLONG' | 'EFBIG' | 'ENOSYS'

/** The error of a call that was not made, as the kernel's would be. */
export function refusal(syscall: string, code: Errno, entry: string, detail: string): SystemCallError {
  const errno = os.constants.errno[code as keyof typeof os.constants.errno]
  return new SystemCallError(code, `${code}: ${detail}, ${syscall} (step check: ${entry})`, {
    ...(errno !== undefined && { errno: -errno }),
    syscall,
    step: 'check',
    entry,
    detail,
  })
}
