import type { RunRecord } from '../../src/recording/run-record.ts'

/** The least that a record can be. */
export const least: RunRecord = {
  format: 'buildjail-run',
  version: 1,
  buildjail: '0.1.0',
  system: { platform: 'freebsd', release: '15.1-RELEASE', arch: 'x64' },
  startedAt: '2026-01-31T12:00:00.000Z',
  openedMs: 0,
  closingMs: 0,
  closedMs: 0,
  id: '',
  plan: { facts: [], mounts: [], links: [], files: [], devices: [], env: [], limits: { policy: 'strict' }, warnings: [], leftOut: [] },
  steps: [],
  commands: [],
  samples: [],
  filled: [],
  nearLimits: [],
  leftInOutputs: [],
  errors: [],
}

/** Of the session: what its first process has. */
const rootOnLinux = '/proc/22/root'

/** A run on Linux with something of everything. */
export const onLinux: RunRecord = {
  ...least,
  system: { platform: 'linux', release: '6.12', arch: 'x64' },
  openedMs: 40,
  closingMs: 3250,
  closedMs: 3262,
  id: '4b1f0c9e8d7a6532',
  plan: {
    facts: [['network', 'none'], ['hostname', 'build']],
    mounts: [
      { kind: 'dev', target: '/dev', writable: false, entry: 'dev' },
      { kind: 'bind', target: '/inputs/src', source: '/srv/app', writable: false, entry: 'inputs.src' },
      { kind: 'bind', target: '/output', source: '/srv/out', writable: true, entry: 'output' },
      { kind: 'tmpfs', target: '/tmp', writable: true, size: 1048576, files: 512, entry: 'tmpfs' },
    ],
    links: [{ path: '/lib', target: 'usr/lib' }],
    files: [{ path: '/etc/passwd', bytes: 132, entry: 'etc' }],
    devices: [{ path: '/dev/kvm', kind: 'character', entry: 'devices' }],
    env: [{ name: 'PATH', value: '/usr/bin:/bin' }, { name: 'TOKEN' }],
    limits: { memory: 536870912, processes: 64, cpus: 2, cpuTime: 60000, openFiles: 100, stdio: 1048576, wallTime: 600000, policy: 'strict' },
    warnings: [{ entry: 'devices', problem: 'can be had by others' }],
    leftOut: [{ entry: 'toolchain', path: '/opt/none' }],
  },
  kernel: {
    id: '4b1f0c9e8d7a6532',
    root: rootOnLinux,
    mounts: [
      { type: 'tmpfs', from: 'none', on: rootOnLinux, fsid: '', flags: ['ro', 'nosuid'] },
      { type: 'ext4', from: '/srv/app', on: `${rootOnLinux}/inputs/src`, fsid: '', flags: ['ro', 'nosuid', 'nodev', 'relatime'] },
      { type: 'ext4', from: '/srv/out', on: `${rootOnLinux}/output`, fsid: '', flags: ['rw', 'nosuid', 'nodev'] },
      { type: 'devpts', from: 'devpts', on: `${rootOnLinux}/dev/pts`, fsid: '', flags: ['rw', 'noexec'] },
    ],
    outputs: [{ path: '/output', owned: 'at-once' }],
    namespaces: { net: 11, mnt: 12, pid: 13 },
    hostNamespaces: { net: 1, mnt: 2, pid: 13 },
    ids: { users: [{ inside: 0, outside: 65536, count: 65536 }], groups: [{ inside: 0, outside: 65536, count: 1 }] },
    process: { pid: 41, uid: 35001, realUid: 35001, savedUid: 35001, gid: 35001, realGid: 35001, savedGid: 35001, groups: [7], systemCallFilters: 1 },
    limits: [{ limit: 'memory', value: 536870912, by: 'memory.max' }, { limit: 'wallTime', value: 600000, by: 'buildjail' }],
  },
  steps: [
    { phase: 'open', step: 'clone', ns: 4509662 },
    { phase: 'open', step: 'mount', path: '/inputs/src', ns: 17607 },
    { phase: 'close', step: 'reap', ns: 8039086 },
  ],
  network: {
    destinations: [
      { name: 'registry.example.org', port: 443, connections: 3, sent: 2048, received: 1048576, outcomes: { closed: 2, 'tls-name': 1 } },
      { name: '2001:db8::1', port: 80, connections: 1, sent: 0, received: 0, outcomes: { other: 1 } },
    ],
    refused: [{ name: 'telemetry.example.com', count: 12 }, { name: '', count: 5 }],
    leftOut: 9,
  },
  commands: [
    {
      argv: ['sh', '-c', 'make all'],
      cwd: '/tmp',
      beganMs: 41,
      end: { durationMs: 3200, exitCode: 2, timedOut: false, isCanceled: false, usage: { userUs: 2100000, systemUs: 300000, maxRssBytes: 20971520 } },
      stdio: {
        stdout: 30,
        stderr: 9,
        head: [{ atMs: 60, stream: 'stdout', text: 'compiling a.c\n' }],
        leftOut: 2048,
        tail: [{ atMs: 3100, stream: 'stderr', text: 'no b.c!\n' }],
      },
    },
    { argv: ['nosuch'], cwd: '/tmp', beganMs: 3245, end: { durationMs: 2, timedOut: false, isCanceled: false, error: { code: 'ENOENT', message: 'no such file' } }, stdio: { stdout: 0, stderr: 0, head: [], leftOut: 0, tail: [] } },
    { argv: ['sleep', '9'], cwd: '/', beganMs: 3248, end: { durationMs: 1, signal: 'SIGKILL', limit: 'wallTime', timedOut: false, isCanceled: false }, stdio: { stdout: 0, stderr: 0, head: [], leftOut: 0, tail: [] } },
  ],
  usage: { cpuTime: 2400, memory: 1000000, peakMemory: 41943040, swap: 0, processes: 2, peakProcesses: 5, bytesRead: 10, bytesWritten: 20, by: 'cgroup v2' },
  processes: [
    { pid: 501, parent: 22, program: 'sh', beganMs: 50, lastSeenMs: 3150, cpuTime: 1200, mostMemory: 2097152 },
    { pid: 502, parent: 501, program: 'cc', beganMs: 60, lastSeenMs: 3000, cpuTime: 900, mostMemory: 10485760 },
    // A number that was used again: each is the other's parent.
    { pid: 503, parent: 504, program: 'ld', beganMs: 70, lastSeenMs: 80, cpuTime: 10, mostMemory: 4096 },
    { pid: 504, parent: 503, program: 'ld', beganMs: 70, lastSeenMs: 80, cpuTime: 10, mostMemory: 4096 },
  ],
  processesLeftOut: 7,
  files: {
    entries: [
      {
        entry: 'inputs.src',
        kind: 'bind',
        target: '/inputs/src',
        source: '/srv/app',
        identity: { dev: '66', ino: '1234' },
        read: { paths: ['/inputs/src/a.c', '/inputs/src/lib/b.c', '/inputs/src/lib/deep/c.c'], leftOut: 3 },
        executed: { paths: ['/inputs/src/configure'] },
        listed: { paths: ['/inputs/src'] },
        looked: { paths: ['/inputs/src/lib/d.h'] },
        missing: { paths: ['/inputs/src/config.h', '/inputs/src/lib/none.h'] },
        refused: { paths: ['/inputs/src/key'] },
        written: { paths: [] },
      },
      { entry: '', kind: 'root', target: '', read: { paths: [] }, executed: { paths: [] }, listed: { paths: [] }, looked: { paths: [] }, missing: { paths: ['/opt/none'] }, refused: { paths: [] }, written: { paths: [] } },
    ],
    unused: ['inputs.docs'],
    lost: 2,
  },
  programs: [
    { path: '/usr/bin/make', argv0: 'make', processes: 1, startedBy: [] },
    { path: '/usr/bin/cc', argv0: 'cc', processes: 3, startedBy: ['/usr/bin/make'] },
  ],
  outputs: [{ path: '/output', files: 12, bytes: 1048576 }],
  samples: [0, 1000, 2000, 3000].map((atMs) => ({ atMs, cpuTime: atMs * 0.8, memory: 10485760 + atMs * 10000, processes: 3, bytesRead: 10, bytesWritten: 20, by: 'cgroup v2' })),
  filled: [{ target: '/tmp', used: 4096, size: 1048576 }],
  nearLimits: [{ atMs: 2900, limit: 'memory', used: 483183821, most: 536870912 }],
  leftInOutputs: [{ path: '/srv/out/a', what: 'an encryption policy' }],
  kept: '/srv/failed/4b1f0c9e8d7a6532',
  errors: [{ code: 'ERR_BUILDJAIL_TEARDOWN', message: 'held by pid 812 (vi)' }],
}

/** With what only FreeBSD has. */
export const onFreebsd: RunRecord = {
  ...least,
  kernel: {
    id: 'x',
    root: '/var/run/buildjail/x',
    jail: { jid: 7, name: 'bj-x', path: '/var/run/buildjail/x', persist: true, enforce_statfs: 2, 'ip4.addr': ['127.0.0.1'], 'host.hostname': 'build', ip4: 'disable', 'allow.suser': true, 'allow.chflags': true },
    mounts: [
      { type: 'devfs', from: 'devfs', on: '/var/run/buildjail/x/dev', fsid: '00', flags: [] },
      { type: 'nullfs', from: '/usr/lib', on: '/var/run/buildjail/x/usr/lib', fsid: '00', flags: ['ro', 'nosuid'] },
    ],
    user: { uid: 35007, gid: 35001, groups: [] },
    limits: [],
  },
}
