// Of sessions on FreeBSD.
import { handedBack, handedBackTests, lentFolder } from './handed-back.mjs'

const writing = 'test/session/writing.test.ts'
const user = 'test/session/user.test.ts'
const attacks = 'test/session/attacks'
const exchanged = `${attacks}/exchanged-source.test.ts`
const limits = 'test/session/limits.test.ts'
const nested = `${attacks}/nested-folders.test.ts`
const mountPoints = `${attacks}/mount-points.test.ts`
const users = 'test/freebsd/users.test.ts'
const copied = 'test/session/copied-inputs.test.ts'
const unending = 'test/freebsd/unending-calls.test.ts'

/** Where a user of the host may be the build's as well. On Linux no id of a session is anybody else's. */
const sharedUser = [
  {
    defence: 'files of others that a build did not change stay theirs',
    off: { 'files-others-build-did': 'never' },
    tests: [
      [handedBackTests, 'is what the build made or changed: files of others, and those with a name outside, stay theirs'],
      [handedBackTests, 'of a user who is named: their files that were there before, and were not changed, stay theirs'],
    ],
  },
  {
    defence: 'a file with a name outside of the output is not taken for the build’s',
    off: { 'file-name-outside-output': 'skip' },
    tests: [
      [handedBackTests, 'is what the build made or changed: files of others, and those with a name outside, stay theirs'],
      [handedBackTests, 'is no file of others with a name outside, be it made while the build ran'],
    ],
  },
  {
    defence: 'paths of files that a build left take no more memory than has been set apart',
    off: { 'walk-keeps-short-path': 'never', 'few-paths-of-names': 'always' },
    tests: [[`${attacks}/left-trees.test.ts`, 'does not grow with what a build leaves in an output that is handed over: 5,000 files of two names, at the end of a path of 255,000 bytes']],
  },
  {
    defence: 'a file of the build is taken for the build’s by all its names, whatever times it has',
    off: { 'file-name-outside-output': 'always' },
    tests: [[handedBackTests, 'belongs to the owner of the folder by all names that it has, whatever times the build gave it (user %o)']],
  },
]

const hostile = 'test/freebsd/hostile-values.test.ts'

const trace = 'test/freebsd/trace.test.ts'

const traces = [
  {
    defence: 'a session with a trace has one of all its processes',
    off: { 'session-traced-from-start': 'skip' },
    tests: [[trace, 'loses none of 5,000']],
  },
  {
    defence: 'the trace says that it lacks calls of a process which outlived its tracing',
    off: { 'untraced-end-told': 'never' },
    tests: [[trace, 'a build that floods it while nothing is read fills no more than its own file, and the trace says that calls are lost']],
  },
  {
    defence: 'the trace says that it lacks a command',
    off: { 'untraced-launch-told': 'never' },
    tests: [[trace, 'tells of a command that found no room in its file at all']],
  },
  {
    defence: 'a trace keeps no path that a build makes as long as it likes',
    off: { 'traced-path-bounded': 'never' },
    tests: [[trace, 'of a build that goes round in links, and forks, takes bounded memory']],
  },
  {
    defence: 'what was read of a trace takes no room any more',
    off: { 'trace-file-emptied': 'never' },
    tests: [[trace, 'loses nothing of more than its file has room for, because that is read meanwhile']],
  },
  {
    defence: 'the file of a trace has a bound',
    off: { 'trace-file-bounded': 'skip' },
    tests: [[trace, 'is the session’s alone: no user of the host enters the folder of its file, and nothing is left of it']],
  },
  {
    defence: 'a journal takes away no folder but that of its own trace',
    off: { 'recovery-own-trace': 'never' },
    tests: [[trace, 'that a journal tells of in a folder that is not its session’s is not taken away']],
  },
]

export const freebsd = [
  {
    defence: 'what ends a session waits for no launch that does not end',
    off: { 'stalled-launch-not-awaited': { swap: { bound: 'std::chrono::hours(1)' } } },
    tests: [['test/freebsd/stalled-files.test.ts', 'holds up the launch of a command that is that file, and neither the timeouts of others nor, for long, close, which names it']],
  },
  {
    defence: 'what a timeout ends is killed until it has ended',
    off: { 'freebsd-tree-killed-until-ended': 'always' },
    tests: [[unending, 'does not save its process from the abort of its command, though SIGSTOP comes after SIGKILL']],
  },
  {
    defence: 'what killAll kills is killed until it has ended',
    off: { 'everything-killed-until-ended': 'skip' },
    tests: [[unending, 'does not save its process from killAll, though SIGSTOP comes after SIGKILL']],
  },
  {
    defence: 'what the end of a session kills is killed until it has ended',
    off: { 'jail-killed-until-empty': 'skip' },
    tests: [[unending, 'does not save its process from the end of its session, though SIGSTOP comes after SIGKILL']],
  },
  {
    defence: 'what cleans up after a killed host program is ended by no signal that can be blocked',
    off: { 'watcher-ended-no-signal-2': { first: 'unblock_signals();' } },
    tests: [['test/session/controller-death.test.ts', 'and its watcher by SIGTERM, as a shell or a manager of services does, everything is gone within two seconds']],
  },
  {
    defence: 'a list of JavaScript is no longer than the kernel takes, before an element is read',
    off: { 'list-no-longer-kernel': 'never' },
    tests: [[hostile, 'more groups than the kernel takes are refused at once, however many']],
  },
  {
    defence: 'the kernel explains itself in memory of the package alone',
    off: { 'explanation-kernel-own-memory': 'never' },
    tests: [[hostile, 'the explanation that the kernel writes is asked for by the package alone: not with %s']],
  },
  {
    defence: 'a folder that is listed is a source of its session',
    off: { 'folder-listed-source-session': 'skip' },
    tests: [['test/freebsd/listed-folders.test.ts', 'is the output of a live session all the same: refused, even where nothing of it would be shown']],
  },
  {
    defence: 'a folder that is listed has in it what was planned',
    off: { 'folder-listed-planned': 'always' },
    tests: [['test/freebsd/listed-folders.test.ts', 'is what was planned: a plan is refused when something was made or removed in it since, below as well']],
  },
  {
    defence: 'processes have the limits of their command',
    off: { 'processes-limits-command': 'skip' },
    tests: [[limits, 'fileSize ends who writes a larger file, and the neighbour does not notice']],
  },
  {
    defence: 'mount points go though a build lets nobody change the folder that they are in',
    off: { 'mount-points-go-though': 'always' },
    tests: [[mountPoints, 'in a folder that the build shuts, and lets nobody change, goes when the host program closes (of root, ownership unchanged)']],
  },
  ...traces,
  ...handedBack,
  ...sharedUser,
  ...lentFolder([[writing, 'the output folder is given back with the owner and the mode it had']]),
  {
    defence: 'inputs are read-only',
    off: { 'inputs-read-only-2': { without: 'MNT_RDONLY' } },
    tests: [[writing, 'a write to an input is refused by a read-only mount']],
  },
  {
    defence: 'binds are nosuid',
    off: { 'inputs-read-only-2': { without: 'MNT_NOSUID' } },
    tests: [['test/freebsd/record.test.ts', 'its mounts are those of the plan, read-only where they must be and nosuid']],
  },
  {
    defence: 'sockets of the host are not reached through a mount',
    off: { 'sockets-host-not-reached': 'skip' },
    tests: [
      [`${attacks}/working-together.test.ts`, 'do not come to the host by it where one has for its output what the other has for an input'],
      [`${attacks}/working-together.test.ts`, 'and one alone does not come to a socket of the host that lies in its input'],
    ],
  },
  {
    defence: 'a folder that is mounted at a second place is the same folder (FreeBSD)',
    off: { 'folder-mounted-second-place-2': 'always' },
    tests: [[nested, 'a folder that the administrator shows at a second place is the same folder']],
  },
  {
    defence: 'a build user is one live session’s alone',
    off: { 'build-user-one-live': { swap: { LOCK_EX: 'LOCK_SH' } } },
    tests: [[users, 'that are all leased are an error that says who has them, and can be waited for']],
  },
  {
    defence: 'a build user that a spec names is not one that is leased',
    off: { 'build-user-spec-names': 'never' },
    tests: [[users, 'that are named are shared with who names them too, and with nobody who leased one']],
  },
  {
    defence: 'no process of the host has the user that is leased',
    off: { 'no-process-host-user': 'always' },
    tests: [[users, 'are not given out where a process of the host has that user']],
  },
  {
    defence: 'a build that is root takes no user from other sessions',
    off: { 'user-taken-by-other-build': 'never' },
    tests: [[users, 'are given out though a build that is root has processes with all of their numbers']],
  },
  {
    defence: 'a build that allocates in an output ends with its session',
    off: { 'endless-allocation-ends': 'never' },
    tests: [[unending, 'ends with its session, though it had gone on for long, and writes nothing more']],
  },
  {
    defence: 'close does not wait in the kernel for what reads an output without end',
    off: { 'allocation-ends-beside-no-daemon': { first: 'if (process.ki_jid != jid) continue;' } },
    tests: [['test/freebsd/stalled-files.test.ts', 'by a daemon of the kernel, beside posix_fallocate(2): close rejects all the same, and takes all away once both have ended']],
  },
  {
    defence: 'the watcher waits for processes that do not end',
    off: { 'watcher-waits-for-processes': 'never' },
    tests: [[unending, 'keeps the watcher of a killed host program waiting, for as long as it takes']],
  },
  {
    defence: 'a build does not take all memory of pipes',
    off: { 'counts-of-user-bounded': { first: 'if (resource == kPipeMemory) continue;' } },
    tests: [['test/freebsd/limits.test.ts', 'a build that fills all the pipes it can make leaves others theirs']],
  },
  {
    defence: 'a build does not take all terminals of the host',
    off: { 'counts-of-user-bounded': { first: 'if (resource == RLIMIT_NPTS) continue;' } },
    tests: [['test/freebsd/limits.test.ts', 'a build takes 128 terminals, and no more']],
  },
  {
    defence: 'set-id bits that a build put on a link are taken away',
    off: { 'set-id-bits-link': { swap: { kSetId: '(S_ISLNK(file.mode) ? mode_t{0} : kSetId)' } } },
    tests: [[handedBackTests, 'belongs to the owner of the folder, without set-id bits, flags, attributes and lists (user undefined)']],
  },
  {
    defence: 'a dead session has its user taken away',
    off: { 'dead-session-user-taken': 'skip' },
    tests: [[users, 'are each another of ${all} sessions at once, also when a program with half of them is killed, and all come back']],
  },
  {
    defence: 'the root is read-only',
    off: { 'root-read-only-2': { without: 'MNT_RDONLY' } },
    tests: [[writing, 'a new directory in the root is refused by a read-only mount']],
  },
  {
    defence: 'a source is the file that was planned',
    off: { 'source-file-planned': 'always' },
    tests: [[exchanged, 'a plan is of the folder that was there: another of the same name is refused']],
  },
  {
    defence: 'what was mounted is what was looked at',
    off: { 'mounted-looked': 'always' },
    tests: [[exchanged, 'itself: never shows the secret, nor lets anything be written beside it'], [exchanged, 'its parent: never shows the secret, nor lets anything be written beside it']],
  },
  {
    defence: '/dev shows the listed devices only',
    off: { 'dev-shows-listed-devices': 'skip' },
    tests: [['test/session/devices.test.ts', 'holds exactly the listed nodes']],
  },
  {
    defence: 'what a build sends over its output keeps no session',
    off: { 'build-sends-over-output': 'skip' },
    tests: [[`${attacks}/pushed-descriptors.test.ts`, 'descriptors of a folder it writes to: also while this thread is busy and reads nothing']],
  },
  {
    defence: 'the rules of /dev are looked at when it is mounted',
    off: { 'rules-dev-looked-when': { value: 'Result<bool>(true)' } },
    tests: [
      ['test/freebsd/devfs-ruleset.test.ts', 'shows the listed nodes alone after somebody has deleted its rules'],
      ['test/freebsd/devfs-ruleset.test.ts', 'is another one after somebody has added to its rules'],
    ],
  },
  {
    defence: 'no rule of /dev comes after ours',
    off: { 'no-rule-dev-comes': 'always' },
    tests: [['test/freebsd/devfs-ruleset.test.ts', 'is another one after somebody has added a rule that shows what is not there yet']],
  },
  {
    defence: 'a descriptor of a jail is close-on-exec from the start',
    off: { 'descriptor-jail-close-exec': { without: 'MSG_CMSG_CLOEXEC' } },
    tests: [['test/freebsd/jail-descriptors.test.ts', 'it is close-on-exec from the start, and no child gets it']],
  },
  {
    defence: 'a command has no controlling terminal',
    off: { 'command-no-controlling-terminal': 'skip' },
    tests: [[`${attacks}/terminal.test.ts`, 'as undefined types nothing into it']],
  },
  {
    defence: 'a command has no login name of the host’s',
    off: { 'command-no-login-name': 'skip' },
    tests: [['test/freebsd/inherited.test.ts', 'has no login name']],
  },
  {
    defence: 'a command that is launched does not show the arguments of the host program',
    off: { 'command-launched-does-not': 'skip' },
    tests: [[`${attacks}/launched-commands.test.ts`, 'shows a build as undefined neither the arguments nor the environment of the host program, nor what that has mapped and open, ${launches} times']],
  },
  {
    defence: 'everything is killed though a build that is root has switched root off',
    off: { 'everything-killed-though-build': 'always' },
    tests: [['test/freebsd/privileges-off.test.ts', 'security.bsd.suser_enabled=0: everything ends all the same when it is to']],
  },
  {
    defence: 'commands have their groups though a build that is root has switched root off',
    off: { 'commands-groups-though-build': 'skip', 'commands-groups-though-build-2': { first: 'if (has_failed(kGroups, "setgroups", [&] { return child.groups->call(); })) return;' } },
    tests: [['test/freebsd/privileges-off.test.ts', 'security.bsd.suser_enabled=0: later commands run nonetheless, as who they are to be']],
  },
  {
    defence: 'an input of a user whom builds lease is refused',
    off: { 'input-user-whom-builds': 'skip' },
    tests: [[`${attacks}/changed-inputs.test.ts`, 'that belongs to a user whom builds lease is refused: one could change what is told of it']],
  },
  {
    defence: 'a command enters no jail but its session’s',
    off: { 'command-enters-no-jail': 'skip' },
    tests: [['test/freebsd/removed-jail.test.ts', 'does nothing to the jail that has its number then']],
  },
  {
    defence: 'a lent folder comes back though nobody may change it',
    off: { 'lent-folder-comes-back-3': 'skip' },
    tests: [[`${attacks}/planted-output.test.ts`, 'flags that let nobody change it (user undefined): close gives back what was lent, without them']],
  },
  {
    defence: 'a command has no descriptor of the host program',
    off: { 'command-no-descriptor-host': 'skip' },
    tests: [[`${attacks}/held-descriptors.test.ts`, 'without close-on-exec, a directory, a lock and a listening socket among it: nothing of it is open inside']],
  },
  {
    defence: 'a command that is still the host program is not traced',
    off: { 'command-still-host-program': 'skip' },
    tests: [[`${attacks}/other-processes.test.ts`, 'and while ${launches} commands are launched beside it, a build as root traces none that is still the host program']],
  },
  {
    defence: 'a command has the declared groups only',
    off: { 'command-declared-groups-only-2': 'skip' },
    tests: [[user, 'has the declared ids and exactly the declared groups']],
  },
  {
    defence: 'a command has the declared group id',
    off: { 'command-declared-group-id-2': 'skip' },
    tests: [[user, 'is 35001 with no group but its own when none is declared']],
  },
  {
    defence: 'a command has the declared user id',
    off: { 'command-declared-user-id-2': 'skip' },
    tests: [[user, 'is 35001 with no group but its own when none is declared'], [user, 'cannot become root again']],
  },
  {
    defence: 'a command has no new privileges to get',
    off: { 'command-no-new-privileges-2': 'skip' },
    tests: [[user, 'has no new privileges to get from any file, root neither']],
  },
  ...[
    ['what is reserved is refused beyond the limits of memory and swap', { 'limits-reserved-refused-beyond': { without: '"deny"' } }, 'of memory and swap: who reserves more is refused it at once'],
    ['what is resident beyond the limit of memory is killed', { 'limits-resident-beyond-limit': { without: '"sigkill"' } }, 'of memory: who makes the kernel forget what it has is killed all the same'],
    ['zombies are counted', { 'limits-zombies-counted': { without: '"maxproc"' } }, 'of processes: zombies are counted as well'],
    ['threads are counted', { 'limits-zombies-counted': { without: '"nthr"' } }, 'of processes: threads are counted as well'],
    ['a part of a processor is no more', { 'limits-part-processor-no': 'skip' }, 'of cpus: a part of one is what two processes get together'],
  ].map(([what, off, title]) => ({
    defence: `limits: ${what}`,
    off,
    tests: [['test/freebsd/limits.test.ts', title]],
  })),
  {
    defence: 'limits: a session has as many processors as it may use',
    off: { 'limits-session-many-processors': 'skip' },
    tests: [['test/freebsd/limits.test.ts', 'of cpus: whole ones are all that is seen inside, and root of the session gets no more']],
  },
  {
    defence: 'limits: the memory of the host program is not a command’s',
    off: { 'limits-memory-host-program': { without: 'kMoreLaunches' } },
    tests: [['test/freebsd/limits.test.ts', 'of memory: a host program that has more than that itself hardly ever gets a command killed, though commands begin as it']],
  },
  {
    defence: 'limits: rules go with their session',
    off: { 'limits-rules-go-session': { value: '{}' } },
    tests: [['test/freebsd/limits.test.ts', 'are rules on its jail from before the first command on, and none is left when it is closed']],
  },
  {
    defence: 'limits: a journal takes away no rules but its own session’s',
    off: { 'limits-journal-takes-away': 'skip' },
    tests: [['test/freebsd/limits.test.ts', 'that a journal tells of for a jail that is not its session’s (“bj-other”) are not taken away']],
  },
  {
    defence: 'a recovery leaves the rules of a live session that has the id of its journal',
    off: { 'recovery-own-rules': 'never' },
    tests: [['test/session/attacks/planted-journal.test.ts', 'takes from a live session, whose id it has, no limits']],
  },
  {
    defence: 'a file system in memory that a spec names has as many files as it says',
    off: { 'file-system-memory-spec': { value: '100000' } },
    tests: [['test/session/tmpfs.test.ts', 'takes so many bytes and files, and no more (user root)']],
  },
  {
    defence: '/tmp has as many files as it says',
    off: { 'file-system-memory-spec': { value: '100000' } },
    tests: [['test/freebsd/limits.test.ts', '/tmp takes as many files as it says, and no more']],
  },
  {
    defence: 'a tmpfs holds no extended attributes',
    off: { 'tmpfs-holds-no-extended': 'skip' },
    tests: [['test/freebsd/limits.test.ts', '/tmp holds no extended attributes beside its size']],
  },
  {
    defence: 'shared memory of large pages goes with its session',
    off: { 'shared-memory-large-pages': 'skip' },
    tests: [['test/session/attacks/shared-memory.test.ts', 'are a session’s own (user undefined), and gone with it']],
  },
  {
    defence: 'that a limit was met is not forged',
    off: { 'limit-met-not-forged': 'always' },
    tests: [['test/freebsd/limits.test.ts', 'of memory: no other build makes it look as if one was met, by a name that the kernel tells of']],
  },
  {
    defence: 'a command is not protected when memory runs out',
    off: { 'command-not-protected-when': 'skip' },
    tests: [['test/freebsd/limits.test.ts', 'a command is ended before a host program that is protected when memory runs out, though that protects its children']],
  },
  {
    defence: 'what is mounted in the source of a copy is not silently left out',
    off: { 'mounted-source-overlay-not': 'skip' },
    tests: [[copied, 'is refused where something is mounted in it, and where it is another folder by now']],
  },
  {
    defence: 'a network of the jail’s own, where a loopback is asked for',
    off: { 'network-jail-own-loopback': 'never' },
    tests: [['test/freebsd/own-network.test.ts', 'is all that its jail has of a network, as the kernel says']],
  },
  {
    defence: 'a command begins in no folder that its user may not enter',
    off: { 'command-directory-as-user': 'skip', 'command-declared-user-id-2': { first: 'if (has_failed(kDirectory, "chdir", [&] { return ::chdir(child.working_directory); })) return;' } },
    tests: [[`${attacks}/chosen-names.test.ts`, 'begins in no folder to which its link leads through one that is shut to it']],
  },
  {
    defence: 'networks that are being taken away are few',
    off: { 'networks-being-taken-away': 'always' },
    tests: [['test/freebsd/own-network.test.ts', 'is not given to a session while the kernel still takes 32 away, for as long as one can wait; and no other waits so long for the same']],
  },
  ...[
    ['no System V memory', { 'jail-no-system-v': { swap: { JAIL_SYS_DISABLE: 'JAIL_SYS_NEW' } } }],
    ['no permission of the kernel’s', { 'jail-no-permission-kernel': 'skip' }],
    ['no jail inside', { 'jail-no-jail-inside': { swap: { 0: '5' } } }],
    ['no file system but the root is seen', { 'jail-no-file-system': { swap: { 2: '0' } } }],
    ['no network', { 'jail-no-network': { swap: { JAIL_SYS_DISABLE: 'JAIL_SYS_INHERIT' } } }],
  ].map(([what, off]) => ({
    defence: `the jail: ${what}`,
    off,
    tests: [['test/freebsd/record.test.ts', 'its jail has no network, no children, no view of other mounts and no permission but to leave root behind']],
  })),
]
