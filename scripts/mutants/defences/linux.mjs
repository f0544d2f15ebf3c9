// Of sessions on Linux.
import { everythingBack, handedBack, handedBackTests, lentFolder } from './handed-back.mjs'

const writing = 'test/session/writing.test.ts'
const user = 'test/session/user.test.ts'
const overlay = 'test/session/overlay.test.ts'
const attacks = 'test/session/attacks'
const standardDescriptors = `${attacks}/standard-descriptors.test.ts`
const exchanged = `${attacks}/exchanged-source.test.ts`
const nobody = `${attacks}/root-is-nobody.test.ts`
const ids = 'test/linux/ids.test.ts'
const limits = 'test/session/limits.test.ts'
const serving = 'runner/test/serving.test.ts'
const nested = `${attacks}/nested-folders.test.ts`
const mountsInOutputs = `${attacks}/mounts-in-outputs.test.ts`
const mountPoints = `${attacks}/mount-points.test.ts`
const linuxLimits = 'test/linux/limits.test.ts'
const bounds = 'test/linux/bounds.test.ts'
const outliving = `${attacks}/outliving.test.ts`
const death = 'test/session/controller-death.test.ts'
const early = 'test/linux/early-commands.test.ts'
const trace = 'test/linux/trace.test.ts'
const networkOfNames = 'test/linux/names.test.ts'

const lifted = (entry) => `call.lifted_by == Allowance::k${entry}`
const called = (...names) => `(${names.map((name) => `std::string_view(call.name) == "${name}"`).join(' || ')})`
const ofNamespaces = called('clone', 'clone3', 'unshare', 'setns')
const ofClocks = called('settimeofday', 'clock_settime', 'adjtimex', 'clock_adjtime')
const ofMemory = called('mmap', 'memfd_create', 'shmget', 'shmctl')
const ofOthers = called('mmap', 'memfd_create', 'shmget', 'shmctl', 'memfd_secret', 'prlimit64', 'ioctl', 'open_by_handle_at', 'personality', 'prctl', 'clone', 'fcntl')

/** Each kind of system calls that a session refuses, by what the attack calls it, with what tells it in the table. */
const refusedCalls = Object.entries({
  keyrings: lifted('Keyring'),
  namespaces: `${lifted('UserNamespaces')} && ${ofNamespaces}`,
  mounts: `${lifted('UserNamespaces')} && !${ofNamespaces}`,
  io_uring: lifted('IoUring'),
  'performance counters': lifted('Perf'),
  'programs for the kernel': lifted('Bpf'),
  'page faults of its own': lifted('Userfaultfd'),
  'other sockets': lifted('Sockets'),
  'set-id bits': lifted('SetId'),
  'attributes of files': lifted('Attributes'),
  'typing into terminals': `call.when.front().value < 0x6000 && ${called('ioctl')}`,
  'subvolumes, of which one has what another may not see': `(call.when.front().value == 0x9400 || call.when.front().value == 0xbc00) && ${called('ioctl')}`,
  'the removal of keys that open files': `call.when.front().value == 0xc0406618 && ${called('ioctl')}`,
  'files by their handles': called('open_by_handle_at'),
  clocks: ofClocks,
  personalities: called('personality'),
  'leaving what it descends from': `!call.lifted_by && ${called('prctl', 'clone')}`,
  'leases of files': called('fcntl'),
  'contexts of input and output that the host counts': lifted('Aio'),
  'memory that the host counts once, or for a user': ofMemory,
  'memory that the kernel takes out of its own map': called('memfd_secret'),
  'limits of init, which can end it': called('prlimit64'),
  'the kernel': `!call.lifted_by && !${ofClocks} && !${ofOthers}`,
}).map(([what, tells]) => ({
  defence: `system calls are refused: ${what}`,
  off: { 'system-calls-refused-keyrings': { first: `if (${tells}) return false;` } },
  tests: [[`${attacks}/refused-calls.test.ts`, `cannot be those of ${what}`]],
}))

const setGroupId = 'test/linux/set-group-id.test.ts'
const byEveryCall = [setGroupId, 'is set on a folder by every call that can, and on nothing else (in %s)']

/** Of the set-group-ID bit, which the host program sets on folders for a build. */
const setsGroupId = [
  {
    defence: 'the set-group-ID bit is set on folders alone',
    off: { 'set-gid-only-on-folders': 'never' },
    tests: [byEveryCall, [setGroupId, 'is on no file that is exchanged for a folder meanwhile, by a rename, by a link and in memory']],
  },
  {
    defence: 'a caller’s folder is changed with the caller’s rights',
    off: { 'notices-by-callers-rights': 'never', 'notices-no-capability-over-files': { value: 'true' } },
    tests: [[setGroupId, 'is not set on a folder of another owner, nor tells what is in a folder that is shut to the build']],
  },
  {
    defence: 'a caller’s path is followed through no link of proc',
    off: { 'notices-follow-no-magic-link': 'never' },
    tests: [byEveryCall],
  },
  {
    defence: 'a caller’s path is not followed without end',
    off: { 'notices-bounded-walk': { swap: { kMostComponents: '1 << 30' } } },
    tests: [byEveryCall],
  },
  {
    defence: 'a caller’s path leads to nothing above its root',
    off: { 'notices-stay-below-root': 'never' },
    tests: [[setGroupId, 'is set below the root that a process has in a user namespace of its own, and on nothing above that']],
  },
  {
    defence: 'no build serves the file system in which its path is looked up for it',
    off: { 'no-listener-beside-file-server': 'never' },
    tests: [
      [setGroupId, 'is refused where the build may be the server of a file system'],
      [setGroupId, 'is refused where the build may serve page faults of its own'],
    ],
  },
  {
    defence: 'folders of an output lose the set-group-ID bit',
    off: { 'set-gid-folders-lose-bit': { value: 'Status()' } },
    tests: [[setGroupId, 'goes from every folder of an output at the end, also where it was inherited and moved, but not from one that had it']],
  },
]

/** What a build may take. */
const limited = [
  ...[
    ['memory', 'of memory end what takes more, and nothing else: the session runs on, and so does its neighbour'],
    ['processes', 'of processes hold against one that forks 10,000 times, and a neighbour goes on at its pace'],
    ['cpus', 'of processors are kept by all together'],
  ].map(([limit, title]) => ({
    defence: `a limit holds: ${limit}`,
    off: { [`limit-holds-${limit}`]: 'skip' },
    tests: [[linuxLimits, title], [linuxLimits, 'are files of cgroups that bear its id, and all in it is in them from its beginning on']],
  })),
  {
    defence: 'a limit that cannot be held refuses the session',
    off: { 'limit-cannot-held-refuses': 'skip' },
    tests: [
      [
        'test/linux/limits-refused.test.ts',
        'as no cgroups are mounted, a session is refused that asks for one, in one sentence that names it and what to do, and doctor says the same',
      ],
    ],
  },
  {
    defence: 'what waits in sockets counts for a limit of memory',
    off: { 'waits-sockets-counts-limit': 'skip' },
    tests: [[linuxLimits, 'of memory hold for what waits in sockets, which a build has without having it']],
  },
  {
    defence: 'a cgroup goes with its session',
    off: { 'cgroup-goes-session': 'skip' },
    tests: [[linuxLimits, 'with all of them on, a hundred sessions leave no cgroup']],
  },
  {
    defence: 'a cgroup goes with a host program that is killed',
    off: { 'cgroup-goes-host-program': 'never' },
    tests: [[linuxLimits, 'go with the host program that is killed, by its watcher and by a recovery']],
  },
  {
    defence: 'a recovery leaves the cgroups of a live session that has the id of its journal',
    off: { 'recovery-own-cgroups': { value: 'true' } },
    tests: [['test/session/attacks/planted-journal.test.ts', 'takes from a live session, whose id it has, no limits']],
  },
  {
    defence: 'a recovery removes only cgroups of its session',
    // A session that is not listed keeps its cgroups anyway: that stands in front of these two.
    off: { 'recovery-removes-only-cgroups': 'skip', 'recovery-removes-only-cgroups-2': 'always', 'recovery-own-cgroups': { value: 'true' } },
    tests: [[linuxLimits, 'of a journal that names what is not the session’s: a recovery leaves that alone, and says so']],
  },
  {
    defence: 'closing and killing wait for no processor time',
    off: { 'closing-killing-wait-no': 'always' },
    tests: [[linuxLimits, 'of processors are lifted from a session that closes']],
  },
  {
    defence: 'nobody waits for an init that gets no processor',
    off: { 'sender-waits-for-no-init': 'never' },
    tests: [[linuxLimits, 'of processors hold up no other session, however many commands are begun in one whose init gets next to nothing']],
  },
  {
    defence: 'builds end before the host program where memory runs out',
    off: { 'builds-end-before-host': { value: '"0"' } },
    tests: [[bounds, 'ends before the host program where memory runs out (user undefined)']],
  },
  {
    defence: 'files in memory are bounded by their number',
    off: { 'files-memory-bounded-number': 'skip' },
    tests: [[bounds, 'makes so many files in /tmp and /dev/shm, and no more (user undefined)']],
  },
  {
    defence: 'a device that is named is the one that was planned',
    off: { 'device-named-one-planned': 'always' },
    tests: [['test/session/named-devices.test.ts', 'is refused when it is another one by now, and when it is gone']],
  },
  {
    defence: 'terminals of a session are bounded',
    off: { 'terminals-session-bounded': { without: ',max=128' } },
    tests: [[bounds, 'takes so many terminals, and no more (user undefined)']],
  },
  {
    defence: 'what the kernel counts for a session of root’s is counted for an id of its own',
    off: { 'counts-of-session-apart': 'never' },
    tests: [
      [bounds, 'is there for the host while a build takes all it can (user undefined)'],
      [bounds, 'is there for root while a build of many users takes all it can'],
      [bounds, 'is there for root while a build has more signals queued than a user may have'],
    ],
  },
  ...[
    ['pending signals', 'pending-signals-session-bounded'],
    ['inotify instances', 'inotify-instances-session-bounded'],
    ['inotify watches', 'inotify-watches-session-bounded'],
    ['fanotify groups', 'fanotify-groups-session-bounded'],
    ['fanotify marks', 'fanotify-marks-session-bounded'],
    ['message queues', 'message-queues-session-bounded'],
    ['descriptors on their way', 'descriptors-on-way-session-bounded'],
  ].map(([what, mark]) => ({
    defence: `${what} of an ordinary user’s session are bounded`,
    off: { [mark]: 'skip' },
    tests: [[bounds, 'is there for the host while a build takes all it can (user undefined)']],
  })),
  {
    defence: 'user namespaces of an ordinary user’s session are bounded',
    off: { 'user-namespaces-session-bounded': 'skip' },
    tests: [[bounds, 'is there for an ordinary user while a build takes all user namespaces it can']],
  },
]

const applying = 'test/session/applying.test.ts'
export const linux = [
  {
    defence: 'what a trace looks up, it looks up in the session',
    off: { 'trace-looks-in-root': { swap: { 'kInRoot | ': '' } } },
    tests: [[trace, 'learns and has found by the trace nothing of the host, by links, `..` or names']],
  },
  {
    defence: 'a trace remembers of a path only what no link of the build can change',
    off: { 'trace-remembers-what-lasts': { swap: { 'raw::kResolveBeneath | raw::kResolveNoOtherMount | ': '' } } },
    tests: [[trace, 'has what is behind a link of an input each time that it leads elsewhere']],
  },
  {
    defence: 'a trace takes bounded memory',
    off: { 'trace-bounded-memory': 'never' },
    tests: [[trace, 'that looks up more than there is room for is told as lost, and ends as it would without a trace']],
  },
  {
    defence: 'no other user writes the journal of a fixture',
    off: { 'fixtures-journal-own': { swap: { '0o600': '0o666' } } },
    tests: [['test/unit/fixtures-journal.test.ts', 'the journal of a test is for its own user alone, under umask 0']],
  },
  {
    defence: 'an output of an ordinary caller is shut to others while it is lent',
    off: { 'ordinary-callers-output-shut': { first: 'if (as.keeps_owner) return {};' } },
    tests: [[handedBackTests, 'is shut to others of the host where an ordinary user opens the session, who is not root']],
  },
  {
    defence: 'the access list of a store lets nobody in while it is lent',
    off: { 'access-list-goes-while-lent': { value: 'Status()' } },
    tests: [['test/session/stores.test.ts', 'lets nobody in whom its access list names, and gets the list back']],
  },
  {
    defence: 'compiled code that another user can have written is not executed',
    off: { 'compiled-code-believed': 'always' },
    tests: [['test/session/command-line.test.ts', 'and believes none that another user can have written']],
  },
  {
    defence: 'no other user can write the compiled code that is kept',
    off: { 'compiled-code-mode': { swap: { '0o755': '0o777' } }, 'compiled-code-mode-2': { swap: { '0o644': '0o666' } } },
    tests: [['test/session/command-line.test.ts', 'where no other user can write, under umask %i']],
  },
  {
    defence: 'what a timeout ends is stopped before any of it is killed, whoever traces it',
    off: { 'traced-command-stopped-each-look': 'skip' },
    tests: [[outliving, 'as the build user, and has such a child, and dies with it: its timeout ends it with all that it started, and its session goes on']],
  },
  {
    defence: 'what a timeout ends starts nothing any more, whoever traces it',
    off: { 'traced-command-starts-nothing': 'skip' },
    tests: [[outliving, 'as the build user, and is traced by a command beside it: its timeout ends it with all that it started']],
  },
  {
    defence: 'what cleans up after a killed host program is ended by no signal that can be blocked',
    off: { 'watcher-ended-no-signal': { first: 'unblock_signals();' } },
    tests: [
      [death, 'and its watcher by SIGTERM, as a shell or a manager of services does, everything is gone within two seconds'],
      [death, 'as a service of systemd is stopped (KillMode=control-group), everything is gone within two seconds'],
    ],
  },
  {
    defence: 'no variable of the environment says where leases are',
    off: { 'leases-no-variable-environment': { value: 'user == 0 ? std::string(kOfRoot) : std::string(::getenv("XDG_RUNTIME_DIR")) + "/buildjail-leases"' } },
    tests: [[`${attacks}/writing-twice.test.ts`, 'is refused to a program of the same user that has another environment']],
  },
  {
    defence: 'no link of an earlier action is followed for a worker',
    off: { 'no-link-earlier-action': 'skip' },
    tests: [[serving, 'whose %s leads through a link, which an earlier action may have made']],
  },
  {
    defence: 'no file of a worker is written to that is there',
    off: { 'no-file-worker-written': { without: 'O_EXCL' } },
    tests: [[serving, 'whose stdout is there already, and it stays as it is']],
  },
  {
    defence: 'a worker has its answer when everything is taken away',
    off: { 'worker-answer-when-everything': 'skip' },
    tests: [['runner/test/alone.test.ts', 'a daemon of the action is gone, and writes nothing any more']],
  },
  {
    defence: "the runner's socket is for its own user",
    off: { 'runner-socket-own-user': { without: '0o177' } },
    tests: [['runner/test/config.test.ts', 'is for our own user alone, from its first moment on']],
  },
  {
    defence: 'a build directory that others may enter is refused',
    off: { 'build-directory-others-enter': 'skip' },
    tests: [['runner/test/config.test.ts', 'with a build directory that others may enter, as they could exchange folders in it']],
  },
  ...limited,
  {
    defence: 'a folder that is mounted at a second place is the same folder (Linux)',
    off: { 'folder-mounted-second-place': 'always' },
    tests: [[nested, 'a folder that the administrator shows at a second place is the same folder']],
  },
  {
    defence: 'a mount in an output is seen wherever it was mounted (Linux)',
    off: { 'mount-output-seen-wherever': 'skip' },
    tests: [[mountsInOutputs, 'is seen where it was mounted at another place of the same folder']],
  },
  ...handedBack,
  ...lentFolder([['test/linux/closing.test.ts', 'is closed all the same, also while everything in it is being killed, and its output has its owner and mode'], ...everythingBack]),
  {
    defence: 'inputs are read-only',
    off: { 'inputs-read-only': { without: 'kReadOnly' } },
    tests: [[writing, 'a write to an input is refused by a read-only mount'], ['test/linux/mounts.test.ts', 'are writable in the output, /tmp and /dev/shm only, and nowhere set-uid']],
  },
  {
    defence: 'binds are nosuid',
    off: { 'binds-nosuid': { without: 'kNoSuid' } },
    tests: [['test/linux/mounts.test.ts', 'are writable in the output, /tmp and /dev/shm only, and nowhere set-uid']],
  },
  {
    defence: 'binds are nodev',
    off: { 'binds-nosuid': { without: 'kNoDev' } },
    tests: [['test/linux/mounts.test.ts', 'are writable in the output, /tmp and /dev/shm only, and nowhere set-uid']],
  },
  {
    defence: 'what is mounted below an input is read-only too',
    off: { 'mounted-below-input-read': { without: 'kRecursive' } },
    tests: [['test/linux/mounts.test.ts', 'an input shows it, read-only']],
  },
  {
    defence: 'what is mounted later stays outside',
    off: { 'mounted-later-stays-outside': { without: 'MS_PRIVATE' } },
    tests: [['test/linux/mounts.test.ts', 'and nothing that is mounted later arrives inside']],
  },
  {
    defence: 'an overlay is the build’s where its source is the owner’s, and nobody else’s',
    off: { 'overlay-build-source-owner': { swap: { 'outside.uid': 'uid' } } },
    tests: [[overlay, 'belongs to the build, all of it that is its owner’s, and has its modes and times']],
  },
  {
    defence: 'what is not the owner’s stays as it is in an overlay',
    off: { 'not-owner-stays-overlay': 'skip' },
    tests: [[overlay, 'is the same where its owner is neither root nor the caller; what belongs to others stays theirs']],
  },
  {
    defence: 'an overlay has neither devices nor set-id programs',
    off: { 'overlay-neither-devices-nor': { without: ['kNoSuid', 'kNoDev'] } },
    tests: [[overlay, 'is what the plan and the record say, with no name of the host where a build can see it']],
  },
  {
    defence: 'a copy that stands for an overlay has neither devices nor set-id programs',
    off: { 'copy-neither-devices-nor': { without: ['kNoSuid', 'kNoDev'] } },
    tests: [['test/session/copied-inputs.test.ts', 'is what the plan and the record say, and what is kept of a build that failed']],
  },
  {
    defence: 'a shut folder is not opened for the copy that stands for an overlay',
    off: { 'copied-source-stays-shut': { value: 'true' } },
    tests: [[overlay, 'is a copy for an ordinary user, where it is not all that user’s: the command line says so']],
  },
  {
    defence: 'a copy that stands for an overlay is whole',
    off: { 'copied-source-whole': { value: 'true' } },
    tests: [[overlay, 'is a copy for an ordinary user, where it is not all that user’s: the command line says so']],
  },
  {
    defence: 'the layers of an overlay have no name inside',
    off: { 'layers-overlay-no-name': 'skip' },
    tests: [[overlay, 'is what the plan and the record say, with no name of the host where a build can see it']],
  },
  {
    defence: 'what is mounted in the source of an overlay is not silently left out',
    off: { 'mounted-source-overlay-not': 'skip' },
    tests: [[overlay, 'is refused where something is mounted in it, and has something of its own there instead']],
  },
  {
    defence: 'the root is read-only',
    off: { 'root-read-only': 'skip' },
    tests: [[writing, 'a new directory in the root is refused by a read-only mount']],
  },
  {
    defence: 'the host’s root is taken off',
    off: { 'host-root-taken-off': 'skip' },
    tests: [[`${attacks}/leaks.test.ts`, 'of the host’s mounts: nothing below the root, where an ordinary user’s session was made over them']],
  },
  {
    defence: '/dev is read-only',
    off: { 'dev-read-only': 'skip' },
    tests: [['test/linux/mounts.test.ts', 'are writable in the output, /tmp and /dev/shm only, and nowhere set-uid']],
  },
  {
    defence: '/proc is read-only for root',
    off: { 'proc-read-only-root': 'skip' },
    tests: [['test/linux/privileges.test.ts', 'is not to change the host’s kernel, as root neither']],
  },
  {
    defence: '/proc shows what may be traced and nothing else',
    off: { 'proc-shows-traced-nothing': { swap: { '"hidepid=ptraceable"': '""' } } },
    tests: [['test/linux/namespaces.test.ts', 'show of the host’s processes none, and of their own neither init nor how they were begun']],
  },
  {
    defence: 'no link leads to a mount point',
    off: { 'no-link-leads-mount': { without: 'kResolveNoLinks' } },
    tests: [['test/session/nested-mounts.test.ts', 'whose mount point became a link since the plan was made is refused']],
  },
  {
    defence: 'mount points go though a build has shut the folder that they are in',
    off: { 'mount-points-go-though': 'always' },
    tests: [[mountPoints, 'in a folder that the build shuts, and lets nobody change, goes when the host program closes (of an ordinary user, ownership folder)']],
  },
  {
    defence: 'an output comes back though its build has shut it',
    off: { 'output-comes-back-though': 'always' },
    tests: [[mountPoints, 'in a folder that the build shuts, and lets nobody change, goes when the host program is killed with its watcher (of an ordinary user, ownership folder)']],
  },
  {
    defence: 'what is in place of a mount point stays',
    off: { 'place-mount-point-stays': 'skip' },
    tests: [[mountPoints, 'that is not empty any more, or another by now, stays when the session is closed']],
  },
  {
    defence: 'no link is followed where an output is made',
    off: { 'no-link-followed-output': { without: 'O_NOFOLLOW' } },
    tests: [['test/session/made-outputs.test.ts', 'is not made through a link that was put in the way, nor where there is a file']],
  },
  {
    defence: 'a store keeps what a build did not make',
    off: { 'store-keeps-build-did': 'never' },
    tests: [['test/session/stores.test.ts', 'keeps what was in it before, which the build can read and not change']],
  },
  {
    defence: 'what a build leaves in a store is for others to read only',
    off: { 'build-leaves-store-others': { without: 'kOthersWrite' } },
    tests: [['test/session/stores.test.ts', 'keeps what a build made in it, whatever modes that gave it']],
  },
  {
    defence: 'a store is sticky and shut',
    off: { 'store-sticky-shut': { value: 'S_IRWXU | S_IRWXG | S_IRWXO' } },
    tests: [['test/session/stores.test.ts', 'is shut to others of the host while a session has it, and sticky for a build that is not the caller']],
  },
  {
    defence: 'a source is the file that was planned',
    off: { 'source-file-planned': 'always' },
    tests: [[exchanged, 'a plan is of the folder that was there: another of the same name is refused']],
  },
  {
    defence: 'a source is mounted by the descriptor that was looked at',
    off: { 'source-mounted-descriptor-looked': { value: '::lstat(bind.source.c_str(), &found) != 0' } },
    tests: [[exchanged, 'itself: never shows the secret, nor lets anything be written beside it'], [exchanged, 'its parent: never shows the secret, nor lets anything be written beside it']],
  },
  {
    defence: 'what is no network namespace is not entered',
    off: { 'no-network-namespace-not': 'skip' },
    tests: [['test/linux/handed-in-network.test.ts', 'is looked at without opening what it is: who would wait for the other end of a fifo does not']],
  },
  ...['PID', 'IPC', 'UTS', 'CGROUP'].map((kind) => ({
    defence: `a namespace of its own: ${kind.toLowerCase()}`,
    off: { 'namespaces-of-its-own': { without: `CLONE_NEW${kind}` } },
    tests: [['test/linux/namespaces.test.ts', 'are its own']],
  })),
  {
    defence: 'a namespace of its own: network',
    off: { 'network-of-its-own': 'skip' },
    tests: [['test/linux/namespaces.test.ts', 'are its own'], ['test/linux/namespaces.test.ts', 'hold no network interface that is up']],
  },
  {
    defence: 'init has no descriptor of the host program',
    off: { 'init-no-descriptor-host': 'skip' },
    // Sealed, it has closed what it had.
    tests: [['test/linux/blanks.test.ts', 'have nothing of a plan, and nothing of the host program but its socket']],
  },
  {
    defence: 'a command has no descriptor of init',
    // Whatever comes over the socket closes by itself as well.
    off: { 'command-no-descriptor-init': { without: 'MSG_CMSG_CLOEXEC' }, 'command-no-descriptor-init-2': 'skip' },
    tests: [[`${attacks}/held-descriptors.test.ts`, 'without close-on-exec, a directory, a lock and a listening socket among it: nothing of it is open inside']],
  },
  {
    defence: 'a command has no descriptor of init before it is executed either',
    off: { 'command-no-descriptor-init-2': 'skip' },
    tests: [[early, 'has nothing open but its standard descriptors']],
  },
  {
    defence: 'a command is not dumpable before it is executed',
    off: { 'command-early-not-dumpable': 'skip' },
    tests: [[early, 'is not dumpable, whatever fs.suid_dumpable says']],
  },
  {
    defence: 'a journal is written to by its owner alone',
    off: { 'journal-written-owner-alone': { value: 'O_RDWR' } },
    tests: [[`${attacks}/held-descriptors.test.ts`, 'is not open in init either, which has its control, the end of its children and the lock of its session']],
  },
  {
    defence: 'a command whose program its caller may not read is known to be of its session',
    off: { 'unreadable-program-is-known': 'always' },
    tests: [
      [
        `${attacks}/unreadable-program.test.ts`,
        'and that has a group from outside of its session, as in a set-gid folder, is ended by it as well and counted',
      ],
    ],
  },
  {
    defence: 'no process of a build that executes the program of init shows it to another',
    off: { 'init-image-unreadable': { value: '0555' } },
    tests: [[`${attacks}/chosen-names.test.ts`, 'does not get at the program of init, which is that of all sessions to come (user undefined)']],
  },
  {
    defence: 'the program of init stays executable',
    off: { 'init-image-sealed': { without: 'F_SEAL_EXEC' } },
    tests: [['test/linux/init.test.ts', 'stays executable, also for its owner, where the kernel has a seal for that']],
  },
  {
    defence: 'a command has the session’s keyring',
    off: { 'command-session-keyring': 'skip' },
    tests: [['test/linux/namespaces.test.ts', 'leads %s to no key of a caller’s own, who has a keyring of the user as well, as after a login']],
  },
  {
    defence: 'a command has the declared groups only',
    off: { 'command-declared-groups-only': 'skip' },
    tests: [[user, 'has the declared ids and exactly the declared groups']],
  },
  {
    defence: 'a command has the declared group id',
    off: { 'command-declared-group-id': 'skip' },
    tests: [[user, 'is 35001 with no group but its own when none is declared']],
  },
  {
    defence: 'a command has the declared user id',
    off: { 'command-declared-user-id': 'skip' },
    tests: [[user, 'is 35001 with no group but its own when none is declared'], [user, 'cannot become root again']],
  },
  {
    defence: 'a command has no new privileges to get',
    // Without it the filter cannot be installed, and no session opens.
    off: { 'command-no-new-privileges': 'skip', 'every-session-filter-system': 'skip' },
    tests: [[user, 'has no new privileges to get from any file, root neither']],
  },
  {
    defence: 'capabilities are bounded',
    off: { 'capabilities-bounded': 'always' },
    tests: [['test/linux/privileges.test.ts', 'is nothing beyond its user: no capability, now or ever']],
  },
  {
    defence: 'root keeps seven capabilities',
    off: { 'root-keeps-seven-capabilities': { value: '0x1ffffffffff' } },
// CAP_SETUID', '| 1U << 7 | 1U << 27 | 1U << 21;']],
    tests: [['test/linux/privileges.test.ts', "is ${kept.join(', ')} at most when it asked to be root"]],
  },
  {
    defence: 'what a command started is told from its neighbours',
    off: { 'command-started-told-neighbours': 'skip' },
    tests: [['test/session/running.test.ts', 'a timeout ends a daemon of the command as well that ignores the signal which ended the command']],
  },
  {
    defence: 'root inside is nobody outside',
    off: { 'root-inside-nobody-outside': 'skip', 'root-inside-nobody-outside-2': 'skip' },
    tests: [
      [nobody, 'it reads nothing in an input that is root’s alone'],
      [nobody, 'it changes nothing in its output that was another user’s before'],
      [nobody, 'a set-uid program that it makes is not root’s outside'],
      [nobody, 'it changes neither the host’s null device nor a log, though it was given both'],
    ],
  },
  {
    defence: 'no id of the host’s own is mapped into a session',
    off: { 'no-id-host-own': { value: 'map_onto({.first = 0, .count = 1, .size = IdRanges::kFull}, 0, plan.user)' } },
    tests: [[nobody, 'it gives no file to a user of the host'], [nobody, 'it reads nothing in an input that is root’s alone']],
  },
  {
    defence: 'no two live sessions have an id in common',
    off: { 'no-id-host-own': { swap: { 'made.lease.number()': '(*ranges)->first' } } },
    tests: [[ids, 'are no other live session’s: 32 at once, and another program’s (outputs %s)']],
  },
  {
    defence: 'marks that a ring put past the filter are taken away',
    off: { 'marks-ring-put-past': { swap: { kIoUring: 'Allowance::kAttributes' } } },
    tests: [[handedBackTests, 'comes back without set-id bits, attributes and lists that a ring put there past the filter (user %s)']],
  },
  {
    defence: 'an output on which a build may leave marks is on no mapped mount',
    off: { 'mapped-output-no-mark': 'skip' },
    tests: [[handedBackTests, 'belongs to the owner of the folder, without set-id bits, flags, attributes and lists (user %s)']],
  },
  {
    defence: 'an output with files that may be others’ is on no mapped mount',
    off: { 'mapped-output-files-others': 'skip' },
    tests: [[handedBackTests, 'is the build user’s to change where it has files of several groups, or of others who let everybody write']],
  },
  {
    defence: 'ids that are given to others are no session’s',
    off: { 'ids-given-others-no': 'skip' },
    tests: [[ids, 'are others, where nothing is named']],
  },
  {
    defence: 'ids that are named and given to others are refused',
    off: { 'ids-named-given-others': 'skip', 'ids-given-others-no': 'skip' },
    tests: [[ids, 'are refused where those are named, in one sentence']],
  },
  {
    defence: 'what is shut in an open input stays shut',
    off: { 'shut-open-input-stays': 'always' },
    tests: [
      ['test/linux/mounts.test.ts', 'show an input that is the caller’s alone to the build user as its own, and nothing else that is shut (user %s)'],
      [nobody, 'it reads nothing in an input that is root’s alone'],
    ],
  },
  {
    defence: 'without a user namespace no build is root',
    off: { 'root-inside-nobody-outside': 'skip' },
    tests: [[ids, 'that may have no user namespace: sessions have none and say so, and none is root inside']],
  },
  {
    defence: 'init is nobody whom root inside can reach',
    off: { 'init-nobody-whom-root': { first: 'call3(__NR_setresgid, 0, 0, 0); call3(__NR_setresuid, 0, 0, 0);' } },
    tests: [[nobody, 'it reaches neither init, by any right over processes, nor one of the host']],
  },
  {
    defence: 'an output is nobody else’s until all of its session has ended',
    off: { 'output-nobody-else-until': { value: '-1' } },
    tests: [['test/linux/controller-death.test.ts', 'and something of its session lives on, its output is nobody else’s until that has ended (its output %s)']],
  },
  {
    defence: 'a command that does not execute yet leaves no core',
    off: { 'command-does-not-execute': 'skip', 'command-does-not-execute-2': 'skip' },
    tests: [[`${attacks}/core-dump.test.ts`, 'as %s, for %s: finds nothing of the memory of the host program, and no core where the limit holds']],
  },
  ...refusedCalls,
  ...setsGroupId,
  {
    defence: 'system calls are refused: those of another architecture',
    off: { 'system-calls-refused-those': { swap: { '0': '1' } } },
    tests: [[`${attacks}/refused-calls.test.ts`, 'cannot be those of other architectures']],
  },
  {
    defence: 'ids of sessions lie apart from those that other programs give away unasked',
    off: { 'ids-above-others': { swap: { "2'000'200'000, .end": "600'000'000, .end" } } },
    tests: [['test/linux/ids.test.ts', 'are the same inside and others outside, of a user namespace of its own']],
  },
  {
    defence: 'no build has a priority that no share of processors holds',
    off: { 'no-priorities': 'skip' },
    tests: [['test/linux/privileges.test.ts', 'is at no priority that a share of processors does not hold, though the host program may have one']],
  },
  {
    defence: 'every session has the filter on system calls',
    off: { 'every-session-filter-system': 'skip' },
    tests: [
      [`${attacks}/refused-calls.test.ts`, 'are filtered, as the record of the session says'],
      [`${attacks}/refused-calls.test.ts`, 'lead a build as %s to no cgroup of the host, as it gets no namespace to mount one in'],
      ['test/linux/namespaces.test.ts', 'is out of reach for %s, like every other keyring, where the spec does not allow it'],
    ],
  },
  {
    defence: 'what /proc has of the host alone is covered',
    off: { 'proc-host-alone-covered': 'skip' },
    tests: [
      ['test/session/floor.test.ts', 'gives a command the same to see as a session does, and leaves as little behind'],
      [`${attacks}/kernel-files.test.ts`, 'is no watch of the host’s load, with which it would hold up its end (user undefined)'],
      [`${attacks}/leaks.test.ts`, 'what /proc has of the host’s keys, locks, timers, memory, devices and load is not there, for root neither'],
    ],
  },
  {
    defence: 'sessions that are begun ahead are as few as descriptors are',
    off: { 'blanks-few-descriptors': { value: 'kMost' } },
    tests: [['test/linux/blanks.test.ts', 'are fewer where the program may have few descriptors']],
  },
  {
    defence: 'no command begins before the root is sealed',
    off: { 'command-after-seal': 'skip' },
    tests: [['test/linux/init.test.ts', 'answers or ends, and never otherwise (seed 1)']],
  },
  {
    defence: 'a build does not raise the limits of its processes',
    off: { 'build-does-not-raise': 'skip' },
    tests: [
      [limits, 'openFiles holds, of the session and of a run, whichever is smaller; soft and hard'],
      [limits, 'is kept by a build that is root, but on FreeBSD'],
    ],
  },
  {
    defence: 'no more of an inherited file is given back than was moved',
    off: { 'no-more-inherited-file': 'skip' },
    tests: [[standardDescriptors, 'as root does not send it back to before the command, by filling a pipe that has all of the file']],
  },
  {
    defence: 'what is unread of a file stays in no pipe',
    off: { 'unread-file-stays-no': 'skip' },
    tests: [[standardDescriptors, 'as root reads nothing there that is written to the file afterwards']],
  },
  {
    defence: 'changes of an overlay are applied through no link',
    off: { 'changes-applied-through-no-link': { value: 'UniqueFd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC))' } },
    tests: [[applying, 'and not where the source was exchanged for a link meanwhile']],
  },
  {
    defence: 'changes of an overlay are applied over nothing that is newer',
    off: { 'applied-over-nothing-newer': 'always' },
    tests: [[applying, 'but what the host has changed since the first command stays, and is named']],
  },
  {
    defence: 'changes of an overlay are applied over nothing that comes while they are applied',
    off: { 'applied-over-nothing-newer-2': { value: "Result<std::vector<std::string>>(std::vector<std::string>())" } },
    tests: [[applying, 'also what it writes into a removed folder while that is looked through']],
  },
  {
    defence: 'changes of an overlay bring back no part of a folder that was removed meanwhile',
    off: { 'nothing-removed-meanwhile-applied': 'never' },
    tests: [[applying, 'and a folder that the host has removed does not come back in part']],
  },
  {
    defence: 'changes of an overlay are applied to no other folder',
    off: { 'nothing-applied-another-folder': 'always' },
    tests: [[applying, 'and nothing where another folder has the name of the source by then']],
  },
  {
    defence: 'changes of an overlay are applied to no other folder in the source',
    off: { 'nothing-applied-another-inner-folder': 'never' },
    tests: [[applying, 'and not in another folder that has been given the name of one in the source']],
  },
  {
    defence: 'a file to which changes are applied keeps its owner',
    off: { 'applied-keeps-its-owner': { value: 'true' } },
    tests: [[applying, 'and files keep their owner, and new ones have that of the source']],
  },
  {
    defence: 'a mark that means nothing to an overlay removes nothing from its source',
    off: { 'only-marks-of-own-overlay': { swap: { trusted: 'user' } } },
    tests: [[`${attacks}/overlay.test.ts`, 'as %s removes nothing from the source by marks, its own or planted ones']],
  },
  {
    defence: 'a name leads to no private address',
    off: { 'name-leads-to-no-private': 'never' },
    tests: [[networkOfNames, 'leads by a name to no address of the host or of its own networks, whatever else the name has']],
  },
  {
    defence: 'a name leads to no address of the host',
    off: { 'name-leads-not-to-host': { value: 'false' } },
    tests: [[networkOfNames, 'leads by a name to no address of the host or of its own networks, whatever else the name has']],
  },
  {
    defence: 'a name with a dot is looked up without the search list of the host',
    off: { 'name-is-whole': 'never' },
    tests: [[networkOfNames, 'leads by a name to no address of the host or of its own networks, whatever else the name has']],
  },
  {
    defence: 'an IPv6 address that stands for a private one is private',
    off: { 'address-stands-for-private': 'never' },
    tests: [[networkOfNames, 'leads by a name to no address of the host or of its own networks, whatever else the name has']],
  },
  {
    defence: 'only names that are allowed have an address',
    off: { 'other-names-refused': 'never' },
    tests: [[networkOfNames, 'has an address for each name that is allowed, and no other']],
  },
  {
    defence: 'a wildcard stands for whole labels',
    off: { 'wildcard-ends-at-label': 'always' },
    tests: [[networkOfNames, 'has an address for each name that is allowed, and no other']],
  },
  {
    defence: 'a name with bytes that no name has is refused',
    off: { 'odd-names-refused': 'never' },
    tests: [[networkOfNames, 'has a resolver that answers what it is asked, and survives what nobody asks']],
  },
  {
    defence: 'a resolver does not answer answers',
    off: { 'no-answer-to-answers': 'never' },
    tests: [[networkOfNames, 'has a resolver that answers what it is asked, and survives what nobody asks']],
  },
  {
    defence: 'the names of wildcards are bounded',
    off: { 'wildcard-names-bounded': 'never' },
    tests: [[networkOfNames, 'takes 64 names of wildcards, and refuses the next']],
  },
  {
    defence: 'the names that were refused are bounded',
    off: { 'refused-names-bounded': { value: 'true' } },
    tests: [[networkOfNames, 'counts the names that it refuses, and keeps 1,000 of them']],
  },
  {
    defence: 'the connections of a session are bounded',
    off: { 'connections-bounded': { value: 'false' }, 'connections-bounded-2': { without: ' && connections_.size() < kMostConnections' } },
    tests: [[networkOfNames, 'has the next connection wait where there are 256, and keeps nothing of 10,000']],
  },
  {
    defence: 'a server that takes nothing holds up the end of a session for a second',
    off: { 'servers-hold-up-shortly': 'never' },
    tests: [[networkOfNames, 'has a writer wait for a reader that does not read, and nobody else']],
  },
  {
    defence: 'a server does not take a part of what was sent for the whole',
    off: { 'no-part-for-whole': { swap: { 'outcome::kReset': 'outcome::kClosed' } } },
    tests: [[networkOfNames, 'has a writer wait for a reader that does not read, and nobody else']],
  },
  {
    defence: 'a server does not take what it has got for the whole where the host program is killed',
    off: { 'no-part-of-killed': 'skip' },
    tests: [[networkOfNames, 'leaves no server a part for the whole where its host program is killed']],
  },
  {
    defence: 'a connection to the host does not connect to itself',
    off: { 'no-connection-to-itself': 'never' },
    tests: [[networkOfNames, 'holds no port of the host at which a server of it is to listen']],
  },
  {
    defence: 'a stream of questions holds up no other session',
    off: { 'one-question-of-stream': { first: 'static bool is_again = false;\nfor (int i = is_again ? 400 : 0; i < 400; ++i) {\nis_again = true;\nif (!read(stream, find)) i = 400;\nis_again = false;\n}' } },
    tests: [[networkOfNames, 'has no session wait while a build of another asks much by TCP']],
  },
  {
    defence: 'TLS to a name names no other server',
    off: { 'tls-name-is-allowed': 'never' },
    tests: [[networkOfNames, 'lets only TLS to a name reach its port 443, however the first bytes are cut']],
  },
  {
    defence: 'TLS to a name has no other name encrypted in it',
    off: { 'tls-name-is-readable': 'never' },
    tests: [[networkOfNames, 'lets only TLS to a name reach its port 443, however the first bytes are cut']],
  },
  {
    defence: 'a connection that was given up has no name looked up',
    off: { 'given-up-lookups-go': 'skip' },
    tests: [[networkOfNames, 'looks up no name for connections that were given up before']],
  },
  {
    defence: 'a connection has few attempts under way',
    off: { 'few-attempts-of-connection': 'never' },
    tests: [[networkOfNames, 'tries few addresses of a name at a time']],
  },
  {
    defence: 'bytes that are no TLS are refused where TLS is expected',
    off: { 'tls-only-handshakes': 'never' },
    tests: [[networkOfNames, 'lets only TLS to a name reach its port 443, however the first bytes are cut']],
  },
  {
    defence: 'an address that is allowed brings no other one along',
    off: { 'no-address-but-allowed': 'skip' },
    tests: [[networkOfNames, 'leads to an address as it is written, and to the loopback of the host']],
  },
  {
    defence: 'a name that a command made adds no entry to a spec that is learned',
    off: { 'learned-comment-one-line': { value: 'lines.map((line) => `${before}// ${line}`)' } },
    tests: [['test/session/learning.test.ts', 'is not steered by names that the command makes: no comment has a second line, and no entry is added']],
  },
  {
    defence: 'a spec that is learned is written through no link',
    off: { 'learned-file-new': { value: "openSync(this.#file, 'w', 0o600)" } },
    tests: [['test/session/learning.test.ts', 'is not written through a link that appears while the command runs']],
  },
  {
    defence: 'a spec that is learned is written in no folder that its command could make',
    off: { 'learned-folder-there': 'skip' },
    tests: [['test/session/learning.test.ts', 'is not written where the command may leave a link, whichever way an output or its folder is named']],
  },
  {
    defence: 'a toolchain that is learned has no folder that its command was not shown',
    off: { 'learned-toolchain-no-more': { value: 'true' } },
    tests: [['test/unit/narrowed-toolchain.test.ts', 'are not the folder around many parts that the command was shown']],
  },
  {
    defence: 'a toolchain that is learned has no folder of a file that its command was shown alone',
    off: { 'learned-folder-shown': 'skip' },
    tests: [['test/unit/narrowed-toolchain.test.ts', 'are not the folder of a file that the command was shown alone, though others cannot read it']],
  },
  {
    defence: 'two traces are compared only if they are complete',
    off: { 'diff-of-whole-records': 'never' },
    tests: [['test/session/trace-records.test.ts', 'is compared with another by trace diff']],
  },
  {
    defence: 'sessions that take long to close hold up no other session',
    off: { 'closing-long-holds-nobody-up': { value: '0' } },
    tests: [[`${attacks}/left-trees.test.ts`, 'does not go to sessions that are closed, however much is left in their outputs']],
  },
  {
    defence: 'of what is not kept no more than a hundred are told one by one',
    off: { 'few-left-of-kept': 'always' },
    tests: [[`${attacks}/left-trees.test.ts`, 'does not grow with what is kept: 20,000 fifos, at the end of a path of 3,000 bytes']],
  },
]
