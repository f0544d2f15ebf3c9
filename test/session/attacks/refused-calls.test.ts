import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'

import { build, openSession, type Allowance, type Spec } from '../../../src/index.ts'
import { useFolders } from '../folders.ts'
import { answers, armed, attack, describeAttack, onHost } from './attack.ts'

interface Refusal {
  readonly what: string
  /** What in a spec lets it through. */
  readonly allow?: Allowance
  /** Lifts it too. */
  readonly alsoBy?: Allowance
  /** What comes of each attempt of test/probe/linux/refused.c. */
  readonly answers: Readonly<Record<string, string>>
}

const all = (answer: string, ...attempts: string[]): Record<string, string> => Object.fromEntries(attempts.map((attempt) => [attempt, answer]))

const x86 = process.arch === 'x64'
const refusals: readonly Refusal[] = [
  { what: 'keyrings', allow: 'keyring', answers: all('ENOSYS', 'keyctl', 'keyctl of the user', 'add_key', 'request_key') },
  { what: 'namespaces', allow: 'user-namespaces', answers: { ...all('EPERM', 'clone', 'setns', 'unshare'), clone3: 'ENOSYS' } },
  { what: 'mounts', allow: 'user-namespaces', answers: all('EPERM', 'mount', 'umount2', 'open_tree', 'fsconfig', 'mount_setattr') },
  { what: 'io_uring', allow: 'io_uring', answers: all('ENOSYS', 'io_uring_setup', 'io_uring_enter') },
  { what: 'performance counters', allow: 'perf', answers: all('ENOSYS', 'perf_event_open') },
  { what: 'programs for the kernel', allow: 'bpf', answers: all('ENOSYS', 'bpf') },
  { what: 'page faults of its own', allow: 'userfaultfd', answers: all('ENOSYS', 'userfaultfd') },
  { what: 'contexts of input and output that the host counts', allow: 'aio', answers: all('ENOSYS', 'io_setup') },
  {
    what: 'other sockets',
    allow: 'sockets',
    answers: {
      ...all('EAFNOSUPPORT', 'AF_NETLINK, kernel events', 'AF_NETLINK, generic', 'AF_PACKET', 'AF_VSOCK', 'AF_ALG'),
      'AF_INET, SOCK_PACKET': 'Socket type not supported',
      ...all('EPROTONOSUPPORT', 'IPPROTO_MPTCP', 'IPPROTO_MPTCP of IPv6'),
      ...all('Package not installed', 'SIOCGIFBR', 'SIOCSIFBR', 'SIOCBRADDBR', 'SIOCGIFVLAN', 'SIOCSIFVLAN, with more above it'),
      SO_ATTACH_FILTER: 'EPERM',
      SO_ZEROCOPY: 'EOPNOTSUPP',
      ...all('No such device', 'IP_ADD_MEMBERSHIP', 'IP_ADD_SOURCE_MEMBERSHIP', 'MCAST_JOIN_GROUP', 'MCAST_JOIN_SOURCE_GROUP'),
      ...all('No such device', 'IPV6_ADD_MEMBERSHIP', 'IPV6_JOIN_ANYCAST', 'MCAST_JOIN_GROUP of IPv6', 'MCAST_JOIN_SOURCE_GROUP of IPv6'),
      IPV6_FLOWLABEL_MGR: 'Protocol not available',
    },
  },
  {
    what: 'set-id bits',
    allow: 'set-id',
    answers: {
      ...all('EPERM', 'fchmod', 'fchmodat', 'fchmodat2', 'openat', 'mknodat', 'mknodat of a fifo', 'openat of no name'),
      ...(x86 ? all('EPERM', 'chmod', 'open', 'creat', 'mknod') : {}),
    },
  },
  { what: 'openat2, whose mode is out of sight,', allow: 'set-id', alsoBy: 'user-namespaces', answers: { openat2: 'ENOSYS' } },
  {
    what: 'attributes of files',
    allow: 'attributes',
    answers: {
      ...all('EOPNOTSUPP', 'setxattr', 'setxattr of an ACL', 'setxattr of a default ACL', 'lsetxattr', 'fsetxattr', 'removexattr', 'lremovexattr'),
      ...all('EOPNOTSUPP', 'fremovexattr', 'setxattrat', 'file_setattr'),
      ...all('ENOTTY', 'FS_IOC_SETFLAGS', 'FS_IOC_SETVERSION', 'FS_IOC_FSSETXATTR', 'FS_IOC_SET_ENCRYPTION_POLICY'),
    },
  },
  { what: 'typing into terminals', answers: all('EPERM', 'TIOCSTI', 'TIOCSTI, with more above it', 'TIOCLINUX', 'TIOCSETD') },
  {
    what: 'subvolumes, of which one has what another may not see',
    answers: all('ENOTTY', ...['SNAP_CREATE', 'SNAP_CREATE_V2', 'SUBVOL_CREATE', 'SUBVOL_SETFLAGS', 'SNAP_DESTROY', 'SNAP_DESTROY_V2', 'SNAP_DESTROY_V2, with more above it'].map((name) => `BTRFS_IOC_${name}`), 'BCH_IOCTL_SUBVOLUME_CREATE'),
  },
  { what: 'the removal of keys that open files', answers: all('ENOTTY', 'FS_IOC_REMOVE_ENCRYPTION_KEY') },
  { what: 'files by their handles', answers: all('EPERM', 'open_by_handle_at', 'open_by_handle_at of the root') },
  { what: 'clocks', answers: all('EPERM', 'clock_settime', 'settimeofday', 'adjtimex', 'clock_adjtime') },
  { what: 'personalities', answers: all('EPERM', 'personality') },
  { what: 'leaving what it descends from', answers: all('EPERM', 'no subreaper', 'a brother') },
  { what: 'leases of files', answers: all('EINVAL', 'F_SETLEASE', 'F_SETDELEG') },
  {
    what: 'memory that the host counts once, or for a user',
    answers: { MAP_HUGETLB: 'Cannot allocate memory', MFD_HUGETLB: 'EINVAL', ...all('EPERM', 'SHM_HUGETLB', 'SHM_LOCK') },
  },
  { what: 'memory that the kernel takes out of its own map', answers: all('ENOSYS', 'memfd_secret') },
  { what: 'limits of init, which can end it', answers: all('EPERM', 'limits of init', 'limits of init, with more above it') },
  { what: 'the kernel', answers: all('EPERM', 'syslog', 'quotactl') },
  { what: 'other architectures', answers: all('ENOSYS', 'i386', 'x32') },
]
const rows = refusals.map((refusal) => [refusal.what, refusal] as const)
const attempts = refusals.flatMap((refusal) => Object.keys(refusal.answers))
/** What every build may do. */
const harmless = { ...all('Bad file descriptor', 'FICLONE', 'FICLONERANGE', 'FIDEDUPERANGE', 'SIOCGIFCONF', 'IP_MULTICAST_TTL'), ...all('ok', 'IPPROTO_TCP', 'IPPROTO_UDP of IPv6', 'its limits', 'its limits by its number', 'AF_NETLINK, routes', 'AF_UNIX', 'a subreaper', 'F_GETLEASE', 'memfd_create', 'no randomization', 'personality again') }

const users: readonly Spec['user'][] = [undefined, 'root']

;(process.platform === 'linux' ? describeAttack : describe.skip)('the system calls of a build', () => {
  const folders = useFolders()

  const triedWith = async (spec: Spec): Promise<Record<string, string>> =>
    answers((await build(armed({ output: folders.output, ...spec }), attack('refused', '/output'))).stdout)

  describe.each(users)('as %s', (user) => {
    const asUser = user === undefined ? {} : { user }

    // promise: 36, 37, 39
    test.each(rows)('cannot be those of %s', async (_, refusal) => {
      expect(await triedWith(asUser)).toMatchObject(refusal.answers)
    })

    // promise: 38
    test('can be all others, and leave no set-id bit behind', async () => {
      const tried = await triedWith(asUser)
      expect(tried).toMatchObject(harmless)
      expect(Object.keys(tried).filter((name) => name.startsWith('set-id'))).toEqual([])
      const made = readdirSync(folders.output)
      expect(made).toEqual(expect.arrayContaining(['attributed', 'mkdir', 'plain']))
      expect(made.filter((name) => (statSync(path.join(folders.output, name)).mode & 0o6000) !== 0)).toEqual([])
    })
  })

  // So an attempt that is refused is one that the kernel would have another answer to.
  // promise: 36
  test.each(rows.filter(([, { allow }]) => allow !== undefined))('can be those of %s where the spec allows it, and no others', async (_, refusal) => {
    const folder = path.join(folders.top, 'here')
    mkdirSync(folder)
    const [file = '', ...args] = onHost('refused', folder)
    const here = answers(spawnSync(file, args, { encoding: 'utf8' }).stdout)
    const tried = await triedWith({ allow: refusal.allow === undefined ? [] : [refusal.allow] })
    const lifted = refusals.filter(({ allow, alsoBy }) => [allow, alsoBy].includes(refusal.allow)).flatMap((one) => Object.entries(one.answers))
    // A kernel may be without some of it.
    const answered = lifted.filter(([attempt, answer]) => here[attempt] !== answer)
    expect(answered.filter(([attempt, answer]) => tried[attempt] === answer)).toEqual([])
    const names = new Set(lifted.map(([attempt]) => attempt))
    const others = refusals.flatMap((one) => Object.entries(one.answers)).filter(([attempt]) => !names.has(attempt))
    expect(tried).toMatchObject(Object.fromEntries(others))
  })

  // promise: 38
  test.each(['set-id', 'user-namespaces'] as const)('leave no set-id bit behind where they may put one there, by %s', async (name) => {
    expect(await triedWith({ allow: [name] })).not.toMatchObject({ openat2: 'ENOSYS' })
    const made = readdirSync(folders.output)
    expect(made).not.toEqual([])
    expect(made.filter((file) => (statSync(path.join(folders.output, file)).mode & 0o6000) !== 0)).toEqual([])
  })

  test('are each tried', async () => {
    const tried = Object.keys(await triedWith({}))
    expect(attempts.filter((attempt) => !tried.includes(attempt))).toEqual([])
    expect(new Set(attempts).size).toBe(attempts.length)
  })

  // promise: 24
  test.each(users)('lead a build as %s to no cgroup of the host, as it gets no namespace to mount one in', async (user) => {
    const { stdout } = await build(armed(user === undefined ? {} : { user }), attack('nested', '/inputs/probe/nested', '/inputs/probe'))
    expect(answers(stdout)).toEqual({ namespace: 'EPERM' })
  })

  // promise: 40
  test('are filtered or there is no session: where the kernel has no filters, that is an error before anything runs, and an obstacle', () => {
    const script = `import { openSession, preflight } from './dist/index.js'
      const { code, step, syscall, name, remedy } = await openSession({}).catch((error) => error)
      console.log(JSON.stringify([{ code, step, syscall, name, remedy }, preflight().obstacles]))`
    const [file = '', ...args] = onHost('without_filters', process.execPath, '--input-type=module', '-e', script)
    const { stdout, stderr } = spawnSync(file, args, { encoding: 'utf8' })
    expect(stderr).toBe('')
    const [error, obstacles] = JSON.parse(stdout) as [object, { readonly remedy: string }[]]
    expect(obstacles).toMatchObject([{ check: 'seccomp' }])
    expect(error).toEqual({ code: 'ENOSYS', step: 'filter', syscall: 'seccomp', name: 'SystemCallError', remedy: obstacles[0]?.remedy })
  })

  // promise: 40
  test('are filtered, as the record of the session says', async () => {
    await using session = await openSession({})
    const own = /^Seccomp_filters:\s*(\d+)$/m.exec(spawnSync('cat', ['/proc/self/status'], { encoding: 'utf8' }).stdout)?.[1]
    expect((await session.record()).process?.systemCallFilters).toBe(Number(own) + 1)
    expect((await session.run(['grep', 'Seccomp:', '/proc/self/status'])).stdout).toBe('Seccomp:\t2')
  })
})
