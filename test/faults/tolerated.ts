import type { Case } from './walk.ts'

type Program = 'open' | 'launch' | 'close'

interface Tolerance {
  readonly program: Program
  /** Default: any. */
  readonly call?: string
  /** Default: any. */
  readonly errno?: string
  /** Only where the calls before it are such. */
  readonly when?: (earlier: readonly string[], call: string) => boolean
  readonly because: string
}

// A look for a mount point comes after a write, or after two files were closed. What makes the mount point comes after such a look.
const isLookedFor = (earlier: readonly string[]): boolean =>
  process.platform === 'freebsd' && !earlier.includes('nmount') && (earlier.at(-1) === 'write' || earlier.slice(-2).join() === 'close,close')
const isStateMount = (earlier: readonly string[]): boolean => !earlier.includes('nmount')

/**
 * Where a program goes on though a call failed, and why that takes nothing from the session: what the code does not mark itself
 * (native/base/tolerated.h). Anywhere else it has to fail.
 */
const tolerances: readonly Tolerance[] = [
  { program: 'open', call: 'close', because: 'the descriptor is gone whatever close(2) says' },
  { program: 'launch', call: 'close', because: 'the descriptor is gone whatever close(2) says' },
  { program: 'close', call: 'close', because: 'the descriptor is gone whatever close(2) says' },
  { program: 'open', call: 'lstat', errno: 'ENOENT', because: 'a user without a directory of that name has leases elsewhere' },
  { program: 'open', call: 'recv', because: 'a watcher that cannot be asked for is taken to be there' },
  { program: 'open', call: 'fstatat', because: 'a mount point that cannot be looked at is made, or found to be there then' },
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
  { program: 'close', call: 'rmdir', errno: 'EBUSY', when: () => process.platform === 'linux', because: 'it is tried again' },
  // FreeBSD.
  { program: 'open', call: 'nmount', errno: 'EBUSY', when: isStateMount, because: 'another process was quicker to mount the state directory' },
  { program: 'open', call: 'nmount', errno: 'ENOENT', when: isStateMount, because: 'another process mounted it while the kernel looked it up' },
  { program: 'open', call: 'openat', when: isLookedFor, because: 'a mount point that cannot be looked at is made, or found to be there then' },
  { program: 'open', call: 'sysctl', when: (earlier) => earlier.at(-1) === 'ioctl' && earlier.includes('jail_attach'), because: 'kernels before 15.0 have no such setting: connections are then forgotten later' },
  { program: 'open', call: 'jail_get', when: (earlier) => !earlier.includes('open'), because: 'a jail that cannot be asked for is taken to be dying' },
  { program: 'open', call: 'closedir', because: 'the descriptor is gone whatever it says' },
  { program: 'close', call: 'closedir', because: 'the descriptor is gone whatever it says' },
  { program: 'close', call: 'jail_get', because: 'a jail that cannot be asked for is taken to be there, and waited for' },
  { program: 'close', call: 'sysctl', because: 'while it is not known that no process is left, it is waited for' },
  { program: 'close', call: 'unmount', errno: 'EBUSY', because: 'it is tried again' },
]

export function isTolerated(program: Program, one: Case): boolean {
  return typeof one.reason === 'string' || toleranceOf(program, one) !== undefined
}

function toleranceOf(program: Program, { call, errno, earlier }: Case): Tolerance | undefined {
  return tolerances.find((one) => one.program === program && (one.call ?? call) === call && (one.errno ?? errno) === errno && (one.when?.(earlier, call) ?? true))
}
