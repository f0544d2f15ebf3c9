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

const isCommandRunning = (earlier: readonly string[]): boolean => earlier.includes('execve')
// What the first opening of an environment makes before it has a watcher, and after the image of init.
const isEmptyMount = (earlier: readonly string[], call: string): boolean =>
  earlier.includes('memfd_create') && !earlier.includes('access') && [...earlier, call].includes('clone')
const isMadeReady = (earlier: readonly string[], call: string): boolean => isCommandRunning(earlier) && ['pipe2', 'fcntl', 'open', 'openat'].includes(call)
const isOverHost = (earlier: readonly string[]): boolean => !earlier.includes('unshare')
// Linux. Out of the copy of a folder; and that copy itself: before any other there is another call for it.
const copying = ['openat', 'fstat', 'open_tree', 'mount_setattr']
const isOutOfFolder = (earlier: readonly string[], call: string): boolean => {
  const before = copying.slice(0, Math.max(copying.indexOf(call), 0))
  return copying.includes(call) && earlier.slice(earlier.length - before.length).join() === before.join()
}
const isFolder = (earlier: readonly string[], call: string): boolean =>
  call === 'open_tree' && !['open', 'fstat', 'mknodat'].includes(earlier.at(-1) ?? '')
const isInFolder = (earlier: readonly string[], call: string): boolean =>
  process.platform === 'linux' && (isOutOfFolder(earlier, call) || isFolder(earlier, call))
// Linux, of who is not root: right after the three files of its map, by a directory that was opened.
const isOfUsers = (earlier: readonly string[], call: string): boolean => {
  if (process.platform !== 'linux' || process.geteuid?.() === 0) return false
  // Between the two the loopback is brought up, where there is one.
  if (call === 'open') return earlier.join().replace(/(,socket(,ioctl)+,close)?$/, '').endsWith(Array.from({ length: 3 }, () => 'open,write,close').join())
  return (call === 'openat' && earlier.at(-1) === 'open') || (call === 'write' && earlier.at(-1) === 'openat')
}
// Linux, of a session with limits: first of all what ends gets all processors, and what was used is read before the cgroup goes.
const isOfCgroup = (earlier: readonly string[], call: string): boolean => {
  const begun = earlier.slice(0, 3).join()
  if (begun === 'shutdown' || begun === 'shutdown,open') return call === 'open' || call === 'write'
  return begun === 'shutdown,open,write' && earlier.includes('waitpid') && !earlier.includes('rmdir') && call === 'open'
}
// A look for a mount point comes after a write, or after two files were closed. What makes the mount point comes after such a look.
const isLookedFor = (earlier: readonly string[]): boolean =>
  process.platform === 'freebsd' && !earlier.includes('nmount') && (earlier.at(-1) === 'write' || earlier.slice(-2).join() === 'close,close')
const isStateMount = (earlier: readonly string[]): boolean => !earlier.includes('nmount')

/** Where a program goes on as if nothing had been, and why that takes nothing from the session. Anywhere else it has to fail. */
const tolerances: readonly Tolerance[] = [
  { program: 'open', call: 'close', because: 'the descriptor is gone whatever close(2) says' },
  { program: 'launch', call: 'close', because: 'the descriptor is gone whatever close(2) says' },
  { program: 'close', call: 'close', because: 'the descriptor is gone whatever close(2) says' },
  { program: 'open', call: 'mknodat', errno: 'EPERM', when: isOverHost, because: 'root of a container may make no devices; the host\'s are bound, read-only' },
  { program: 'open', when: isEmptyMount, because: 'without empty mounts to copy, sessions go through a copy of the host\'s' },
  { program: 'open', call: 'listmount', because: 'the host is then taken to hold few mounts' },
  { program: 'open', when: isInFolder, because: 'each source is then copied from where it is' },
  { program: 'open', call: 'name_to_handle_at', because: 'the session\'s network then goes to none after it' },
  { program: 'close', call: 'pread', because: 'a network that may have sockets in it goes to no other session' },
  { program: 'open', call: 'lstat', errno: 'ENOENT', because: 'a user without a directory of that name has leases elsewhere' },
  { program: 'open', call: 'recv', because: 'a watcher that cannot be asked for is taken to be there' },
  { program: 'open', call: 'fstatat', because: 'a mount point that cannot be looked at is made, or found to be there then' },
  { program: 'open', call: 'getrlimit', because: 'the sources are then looked up in a copy of the host\'s mounts' },
  { program: 'open', call: 'write', errno: 'EINTR', because: 'it is written again' },
  { program: 'open', call: 'pread', errno: 'EINTR', because: 'it is read again' },
  { program: 'open', call: 'sendmsg', errno: 'EINTR', because: 'it is sent again' },
  { program: 'open', call: 'waitpid', errno: 'EINTR', because: 'it is waited for again' },
  { program: 'launch', call: 'sendmsg', errno: 'EINTR', because: 'it is sent again' },
  { program: 'launch', call: 'waitpid', errno: 'EINTR', because: 'it is waited for again' },
  { program: 'launch', call: 'prctl', when: isCommandRunning, because: 'it gives the host program back what only it may lose: to be dumped' },
  { program: 'launch', call: 'access', because: 'whether the program is there execve(2) then says' },
  { program: 'launch', call: 'open', when: isCommandRunning, because: 'the record of the session then lacks the credentials of the command' },
  { program: 'launch', call: 'read', when: isCommandRunning, because: 'the record of the session then lacks the credentials of the command' },
  { program: 'launch', when: isMadeReady, because: 'the next command\'s pipes are then made when it comes' },
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
  { program: 'close', call: 'waitpid', errno: 'EINTR', because: 'it is waited for again' },
  { program: 'close', call: 'poll', errno: 'EINTR', because: 'it is waited for again' },
  { program: 'open', when: isOfUsers, because: 'where /proc/sys may not be written to, what a user has is not bounded for a session' },
  { program: 'close', when: isOfCgroup, because: 'what is not read is then not known of, and what ends then waits for its part of the processors' },
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
  return toleranceOf(program, one) !== undefined
}

function toleranceOf(program: Program, { call, errno, earlier }: Case): Tolerance | undefined {
  return tolerances.find((one) => one.program === program && (one.call ?? call) === call && (one.errno ?? errno) === errno && (one.when?.(earlier, call) ?? true))
}
