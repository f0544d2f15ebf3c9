import type { Case } from './walk.ts'

type Program = 'open' | 'launch' | 'close'

interface Tolerance {
  readonly program: Program
  /** Default: any. */
  readonly call?: string
  /** Default: any. */
  readonly errno?: string
  readonly because: string
}

/**
 * Calls whose failure a program survives, and why that takes nothing from the session; only those that the code does not mark itself
 * (native/base/tolerated.h). The failure of any other call must end in an error.
 */
const tolerances: readonly Tolerance[] = [
  { program: 'open', call: 'close', because: 'the descriptor is gone whatever close(2) says' },
  { program: 'launch', call: 'close', because: 'the descriptor is gone whatever close(2) says' },
  { program: 'close', call: 'close', because: 'the descriptor is gone whatever close(2) says' },
  { program: 'open', call: 'lstat', errno: 'ENOENT', because: 'a user without a directory of that name has leases elsewhere' },
  { program: 'open', call: 'recv', because: 'a watcher that cannot be asked for is taken to be there' },
  { program: 'launch', call: 'access', because: 'whether the program is there execve(2) then says' },
  { program: 'open', call: 'ioctl', errno: 'ENOSYS', because: 'a file system need not know of flags' },
  { program: 'close', call: 'ioctl', errno: 'ENOSYS', because: 'a file system need not know of flags' },
  { program: 'close', call: 'open', errno: 'EPERM', because: 'what may stay on a file is told of' },
  { program: 'close', call: 'fchownat', errno: 'EPERM', because: 'the file whose owner stays is told of' },
  { program: 'close', call: 'chflagsat', errno: 'EPERM', because: 'the file whose flags stay is told of' },
  { program: 'close', call: 'fstatat', errno: 'EPERM', because: 'the folder around a mount point is then opened up, and it is done again' },
  { program: 'close', call: 'unlinkat', errno: 'EPERM', because: 'the folder around a mount point is then opened up, and it is done again' },
  { program: 'close', call: 'shutdown', because: 'an init that could not be told to end is killed' },
  { program: 'close', call: 'recvmsg', because: 'an init that is not heard of any more is over' },
  { program: 'close', call: 'epoll_ctl', because: 'the descriptor that it is for is closed next' },
  ...(process.platform === 'linux' ? [{ program: 'close', call: 'rmdir', errno: 'EBUSY', because: 'it is tried again' } as const] : []),
  // FreeBSD.
  { program: 'open', call: 'closedir', because: 'the descriptor is gone whatever it says' },
  { program: 'close', call: 'closedir', because: 'the descriptor is gone whatever it says' },
]

export function isTolerated(program: Program, one: Case): boolean {
  return typeof one.reason === 'string' || toleranceOf(program, one) !== undefined
}

function toleranceOf(program: Program, { call, errno }: Case): Tolerance | undefined {
  return tolerances.find((one) => one.program === program && (one.call ?? call) === call && (one.errno ?? errno) === errno)
}
