// What the kernel counts for a user, for a namespace or for the whole host, and how far one session gets with each.
//
// `count` in words; `probe`, by its name in test/probe/counts.c; `of`, whose the count is; `bound`, of one session; what holds that: a
// `defence` by its sentence in scripts/mutants/defences, or a `file` with the `test` that looks at it, or nothing. The figure on the host is
// what a program of the caller can still take, or what `shows` reads of the kernel.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'

const number = (file, pattern = /\d+/) => {
  const found = pattern.exec(readFileSync(file, 'utf8'))
  return Number(found?.[1] ?? found?.[0])
}
const lines = (file) => readFileSync(file, 'utf8').trimEnd().split('\n').length
const names = (folder) => readdirSync(folder).length
/** Of all users (proc_key-users(5)). */
const keys = () => readFileSync('/proc/key-users', 'utf8').trim().split('\n').reduce((sum, line) => sum + Number(/(\d+)\/\d+ \d+\/\d+$/.exec(line)?.[1]), 0)
const kB = (name) => () => number('/proc/meminfo', new RegExp(`${name}: +(\\d+)`))
const setting = (name) => () => Number(spawnSync('sysctl', ['-n', name], { encoding: 'utf8' }).stdout)

/** The folder is there while there is one in it (pts(4)). */
const terminals = () => (existsSync('/dev/pts') ? names('/dev/pts') : 0)

const apart = 'root’s sessions: an id’s own'
const filtered = { of: 'the host', bound: 'none: the call is refused' }
const refused = (what) => `system calls are refused: ${what}`
const limitsOfFreebsd = 'test/freebsd/limits.test.ts'

const linux = [
  ...[
    ['pending signals', 'signals', 'pending signals', 'a quarter; by kill(2) 62 more for each thread, so bounded by `processes`'],
    ['timers (timer_create(2))', 'timers', 'pending signals', 'a quarter, with pending signals'],
    ['bytes of POSIX message queues', 'queues', 'message queues', 'half'],
    ['descriptors on their way (unix(7))', 'descriptors on the way', 'descriptors on their way', 'all but 1,024 of what a process may have open'],
    ['inotify instances', 'inotify', 'inotify instances', 'a quarter'],
    ['inotify watches', 'inotify watches', 'inotify watches', 'a quarter'],
    ['fanotify groups', 'fanotify', 'fanotify groups', 'a quarter'],
    ['fanotify marks', 'fanotify marks', 'fanotify marks', 'a quarter'],
  ].map(([count, probe, what, share]) => ({ count, probe, of: 'a user', bound: `${apart}; an ordinary user’s: ${share}`, defence: `${what} of an ordinary user’s session are bounded` })),
  { count: 'namespaces', probe: 'user namespaces', of: 'a user', bound: 'none: refused; with `allow` an ordinary user’s: a quarter', defence: 'user namespaces of an ordinary user’s session are bounded', shows: null },
  { count: 'memory of SHM_LOCK', probe: 'locked', of: 'a user', bound: filtered.bound, defence: refused('memory that the host counts once, or for a user') },
  { count: 'memory that is sent without a copy (SO_ZEROCOPY)', probe: 'zero copies', of: 'a user', bound: filtered.bound, defence: refused('other sockets'), spec: { network: 'loopback' } },
  { count: 'memory of mlock(2)', probe: 'pinned', of: 'a process', bound: 'RLIMIT_MEMLOCK of each process, within `memory`', defence: 'a limit holds: memory', shows: kB('Mlocked'), unit: 'kB' },
  { count: 'huge pages', probe: 'huge pages', ...filtered, defence: refused('memory that the host counts once, or for a user'), shows: kB('HugePages_Total') },
  { count: 'keys', probe: 'keys', of: 'a user', bound: filtered.bound, defence: refused('keyrings'), shows: keys },
  { count: 'contexts of aio (fs.aio-nr)', probe: 'contexts', ...filtered, defence: refused('contexts of input and output that the host counts'), shows: () => number('/proc/sys/fs/aio-nr') },
  { count: 'IPv6 flow labels', probe: 'flow labels', of: 'a network', bound: filtered.bound, defence: refused('other sockets'), shows: () => lines('/proc/net/ip6_flowlabel') - 1 },
  { count: 'terminals (kernel.pty.nr)', probe: 'terminals', of: 'the host', bound: '128', defence: 'terminals of a session are bounded', shows: () => number('/proc/sys/kernel/pty/nr') },
  { count: 'pipes beyond the least (fs.pipe-user-pages-soft), of 1 MiB', probe: 'pipes', of: 'a user', bound: `${apart}; an ordinary user’s: all of the caller’s` },
  { count: 'epoll watches', probe: 'epoll watches', of: 'a user', bound: `${apart}; an ordinary user’s: all of the caller’s, within \`memory\``, defence: 'a limit holds: memory', shows: null },
  { count: 'orphaned TCP sockets', probe: 'orphans', of: 'the host', bound: '`openFiles` times `processes`, within `memory`', shows: () => number('/proc/net/sockstat', /orphan (\d+)/), spec: { network: 'loopback' } },
  { count: 'record locks (fcntl(2)), those that /proc/locks shows', probe: 'record locks', of: 'a process', bound: 'none', shows: () => lines('/proc/locks') },
  { count: 'System V segments', probe: 'segments', of: 'a namespace', bound: 'its own namespace', file: 'native/linux/namespaces.cc', test: ['test/linux/namespaces.test.ts', 'are no other session’s'], shows: () => lines('/proc/sysvipc/shm') - 1 },
  { count: 'System V semaphores', probe: 'semaphores', of: 'a namespace', bound: 'its own namespace', file: 'native/linux/namespaces.cc', test: ['test/linux/namespaces.test.ts', 'are no other session’s'], shows: () => lines('/proc/sysvipc/sem') - 1 },
  { count: 'POSIX shared memory, files in /dev/shm', probe: 'shared memory', of: 'a mount', bound: '`tmpFiles` in a /dev/shm of its own', defence: 'files in memory are bounded by their number', shows: () => names('/dev/shm') },
  { count: 'files in /tmp (fs.inode-nr)', probe: 'files', of: 'the host', bound: '`tmpFiles`', defence: 'files in memory are bounded by their number', shows: () => number('/proc/sys/fs/inode-nr') },
  { count: 'open files (fs.file-nr)', probe: 'processes', of: 'the host', bound: '`openFiles` times `processes`', file: 'native/plan/limits.h', test: ['test/session/limits.test.ts', 'openFiles holds, of the session and of a run, whichever is smaller; soft and hard'], shows: () => number('/proc/sys/fs/file-nr'), needs: 'processes' },
  { count: 'processes', probe: 'processes', of: 'the host', bound: '`processes`', defence: 'a limit holds: processes', shows: () => number('/proc/loadavg', /\/(\d+)/), needs: 'processes' },
]

const none = { of: 'the host', bound: 'none but `openFiles` times `processes`' }
const freebsd = [
  { count: 'terminals (RLIMIT_NPTS)', probe: 'terminals', of: 'a user', bound: '128; root: none', defence: 'a build does not take all terminals of the host', shows: terminals },
  { count: 'memory of pipes (kern.ipc.pipekva)', probe: 'pipes', of: 'a user', bound: 'a quarter; root: none', defence: 'a build does not take all memory of pipes', shows: setting('kern.ipc.pipekva') },
  { count: 'kqueue(2) timers (kern.kq_calloutmax)', probe: 'kqueue timers', ...none, bound: 'none' },
  { count: 'kqueues (RLIMIT_KQUEUES)', probe: 'kqueues', of: 'a user', bound: 'that of the host program', shows: null },
  { count: 'requests of aio(4) (vfs.aio.num_queue_count)', probe: 'aio requests', of: 'the host', bound: '`vfs.aio.max_aio_queue_per_proc` times `processes`', shows: setting('vfs.aio.num_queue_count') },
  { count: 'POSIX semaphores (p1003_1b.nsems)', probe: 'semaphores', of: 'the host', bound: 'none, where sem(4) is loaded', module: 'sem', shows: setting('p1003_1b.nsems') },
  { count: 'POSIX message queues (kern.mqueue.curmq)', probe: 'queues', of: 'the host', bound: 'none, where mqueuefs(5) is loaded', module: 'mqueuefs', shows: setting('kern.mqueue.curmq') },
  { count: 'System V segments', probe: 'segments', of: 'a jail', bound: 'no build has any', file: 'native/freebsd/jail_parameters.cc', test: ['test/session/attacks/shared-memory.test.ts', 'are a session’s own (user %s), and gone with it'], shows: null },
  { count: 'System V semaphores', probe: 'System V semaphores', of: 'a jail', bound: 'no build has any', file: 'native/freebsd/jail_parameters.cc', test: ['test/session/attacks/shared-memory.test.ts', 'are a session’s own (user %s), and gone with it'], shows: null },
  { count: 'POSIX shared memory, reserved (vm.swap_reserved)', probe: 'shared memory', of: 'the host', bound: '`memory` and `swap`, where both are limited', defence: 'limits: what is reserved is refused beyond the limits of memory and swap', shows: setting('vm.swap_reserved'), unit: 'bytes' },
  { count: 'memory of mlock(2) (vm.max_user_wired)', probe: 'pinned', of: 'the host', bound: 'RLIMIT_MEMLOCK of each process, within `memory`', shows: setting('vm.stats.vm.v_user_wire_count') },
  { count: 'record locks (fcntl(2))', probe: 'record locks', of: 'the host', bound: 'none', shows: null },
  { count: 'inotify(2) instances', probe: 'inotify', of: 'a user', bound: '`vfs.inotify.max_user_instances`' },
  { count: 'TCP connections that no process has', probe: 'orphans', ...none, shows: null, spec: { network: 'loopback' } },
  { count: 'sockets (kern.ipc.numopensockets)', probe: 'sockets', ...none, shows: setting('kern.ipc.numopensockets') },
  { count: 'files in /tmp', probe: 'files', of: 'a mount', bound: '`tmpFiles`', file: 'src/spec/fields/limits.ts', test: [limitsOfFreebsd, '/tmp takes as many files as it says, and no more'], shows: setting('vfs.numvnodes') },
  { count: 'open files (kern.openfiles)', probe: 'processes', ...none, shows: setting('kern.openfiles'), needs: 'processes' },
  { count: 'processes', probe: 'processes', of: 'a user', bound: '`processes`', defence: 'limits: zombies are counted', shows: () => Number(spawnSync('sh', ['-c', 'ps -ax | wc -l'], { encoding: 'utf8' }).stdout), needs: 'processes' },
]

export const sharedCounts = { linux, freebsd }
