// The defences of a session, and what switches each of them off: an edit of a copy of the sources, made in the tests' own
// build. For each, tests that fail then. docs/security.md says what they are for.

const writing = 'test/session/writing.test.ts'
const user = 'test/session/user.test.ts'
const attacks = 'test/session/attacks'
const exchanged = `${attacks}/exchanged-source.test.ts`
const properties = 'test/unit/plan-properties.test.ts'
/** Pid 1 of a session on Linux. */
const init = 'native/linux/init/init.c'

const lentFolder = (tests) => [
  {
    defence: 'a lent folder comes back with its owner',
    file: 'native/state/lent_output.cc',
    off: [['if (is_owner_changed && ::fchown', 'if (is_owner_changed && before.uid == 1 && ::fchown']],
    tests,
  },
  {
    defence: 'a lent folder comes back with its mode',
    file: 'native/state/lent_output.cc',
    off: [['if (is_mode_changed && ::fchmod', 'if (is_mode_changed && before.mode == 0 && ::fchmod']],
    tests,
  },
]

/**
 * `file` with `off`, pairs of what is there once and what is there instead; `tests`, as file and title, of which at least one
 * has to fail. A file in native/ is compiled anew.
 */
export const defences = {
  /** Of the plan: the same on every system, judged on this one. */
  plan: [
    {
      defence: 'the root of the host is no source',
      file: 'src/spec/source-rules.ts',
      off: [["if (source === '/') throw", "if (source === '') throw"]],
      // By its own words: the host holds the state directory as well.
      tests: [['test/unit/plan-refusals.test.ts', 'as it is, and behind a link']],
    },
    {
      defence: 'the state directory is not shown',
      file: 'src/spec/source-rules.ts',
      off: [['if (isWithin(source, stateDirectory) || isWithin(stateDirectory, source)) {', 'if (isWithin(source, `${stateDirectory}/none`)) {']],
      tests: [[properties, 'no source is the host, or shows the state directory or lies in it']],
    },
    {
      defence: 'a folder is writable once in a session',
      file: 'src/spec/source-rules.ts',
      off: [['if (other !== undefined) {', "if (other === '') {"]],
      tests: [[properties, 'only outputs are writable, and each of them once']],
    },
    {
      defence: 'targets are normal paths, without ..',
      file: 'src/spec/target-rules.ts',
      off: [["if (!plain || target.split('/').includes('..')) {", 'if (!plain && plain) {']],
      tests: [[properties, 'targets are absolute, normal and unique']],
    },
    {
      defence: 'nothing is mounted below what is mounted',
      file: 'src/spec/target-rules.ts',
      off: [['if (above === undefined) continue', "if (above !== '') continue"]],
      tests: [[properties, 'nothing lies below what is mounted, but for our own /tmp']],
    },
    {
      defence: 'root is only who asked by name',
      file: 'src/spec/fields/user.ts',
      off: [['if (uid === 0) throw', 'if (uid === -1) throw']],
      tests: [[properties, 'root is only who asked by name']],
    },
  ],

  linux: [
    // init hands back too, where it can.
    ...lentFolder([['test/linux/closing.test.ts', 'is closed all the same, also while everything in it is being killed, and its output has its owner and mode']]),
    {
      defence: 'inputs are read-only',
      file: 'native/linux/source_copy.cc',
      off: [['(bind.is_writable ? 0 : raw::kReadOnly),', '0,']],
      tests: [[writing, 'a write to an input is refused by a read-only mount'], ['test/linux/mounts.test.ts', 'are writable in the output, /tmp and /dev/shm only, and nowhere set-uid']],
    },
    {
      defence: 'binds are nosuid',
      file: 'native/linux/source_copy.cc',
      off: [['{.set = raw::kNoSuid | raw::kNoDev | (', '{.set = raw::kNoDev | (']],
      tests: [['test/linux/mounts.test.ts', 'are writable in the output, /tmp and /dev/shm only, and nowhere set-uid']],
    },
    {
      defence: 'binds are nodev',
      file: 'native/linux/source_copy.cc',
      off: [['{.set = raw::kNoSuid | raw::kNoDev | (', '{.set = raw::kNoSuid | (']],
      tests: [['test/linux/mounts.test.ts', 'are writable in the output, /tmp and /dev/shm only, and nowhere set-uid']],
    },
    {
      defence: 'what is mounted below an input is read-only too',
      file: 'native/linux/source_copy.cc',
      off: [['raw::mount_setattr(copy.get(), raw::kRecursive, attributes)', 'raw::mount_setattr(copy.get(), 0, attributes)']],
      tests: [['test/linux/mounts.test.ts', 'an input shows it, read-only']],
    },
    {
      defence: 'what is mounted later stays outside',
      file: 'native/linux/source_copy.cc',
      off: [['.propagation = MS_PRIVATE', '.propagation = 0']],
      tests: [['test/linux/mounts.test.ts', 'and nothing that is mounted later arrives inside']],
    },
    {
      defence: 'what is mounted below an output is left out',
      file: 'native/linux/source_copy.cc',
      off: [['bind.is_writable || !S_ISDIR(found.st_mode) ? 0 : raw::kRecursive', 'raw::kRecursive']],
      tests: [['test/linux/mounts.test.ts', 'an output does not show it, as it was not declared']],
    },
    {
      defence: 'the root is read-only',
      file: 'native/linux/mount_program.cc',
      off: [['if (raw::mount_setattr(root_, 0, {.set = raw::kReadOnly}) != 0)', 'if (root_ < 0)']],
      tests: [[writing, 'a new directory in the root is refused by a read-only mount']],
    },
    {
      defence: 'the host’s root is taken off',
      file: 'native/linux/mount_program.cc',
      off: [['if (::umount2(".", MNT_DETACH) != 0)', 'if (root_ < 0)']],
      tests: [[`${attacks}/leaks.test.ts`, 'of the host’s mounts: the names of the sources that were declared, and no other (a session %s)']],
    },
    {
      defence: '/dev is read-only',
      file: 'native/linux/mount_program.cc',
      off: [['if (raw::mount_setattr(dev.get(), 0, {.set = raw::kReadOnly}) != 0)', 'if (!dev)']],
      tests: [['test/linux/mounts.test.ts', 'are writable in the output, /tmp and /dev/shm only, and nowhere set-uid']],
    },
    {
      defence: '/proc is read-only for root',
      file: 'native/linux/mount_program.cc',
      off: [['is_proc_read_only_(plan.user.uid == 0)', 'is_proc_read_only_(false)']],
      tests: [['test/linux/privileges.test.ts', 'is not to change the host’s kernel, as root neither']],
    },
    {
      defence: '/proc shows what may be traced and nothing else',
      file: 'native/linux/mount_program.cc',
      off: [['act.options = "hidepid=ptraceable"', 'act.options = ""']],
      tests: [['test/linux/namespaces.test.ts', 'show of the host’s processes none, and of their own neither init nor how they were begun']],
    },
    {
      defence: 'a source is the file that was planned',
      file: 'native/plan/planned_source.h',
      off: [['if (bind.dev == 0 && bind.ino == 0) return true;', 'if (bind.dev != 1 || found.st_dev != 1) return true;']],
      tests: [[exchanged, 'a plan is of the folder that was there: another of the same name is refused']],
    },
    {
      defence: 'a source is mounted by the descriptor that was looked at',
      file: 'native/linux/source_copy.cc',
      off: [
        [
          'UniqueFd copy = copy_of(pinned, bind.is_writable || !S_ISDIR(found.st_mode) ? 0 : raw::kRecursive);',
          'UniqueFd copy(raw::open_tree(AT_FDCWD, source, raw::kTreeClone | raw::kTreeCloseOnExec | raw::kRecursive));',
        ],
      ],
      tests: [[exchanged, 'itself: never shows the secret, nor lets anything be written beside it'], [exchanged, 'its parent: never shows the secret, nor lets anything be written beside it']],
    },
    {
      defence: 'a network goes on to sessions with the same outputs only',
      file: 'native/linux/parts/network.h',
      off: [['heir += " " + identity;', '']],
      tests: [['test/linux/networks.test.ts', 'goes to none with another output, nor to one that has none']],
    },
    {
      defence: 'a network goes on to the same build user only',
      file: 'native/linux/parts/network.h',
      off: [['std::string heir = std::to_string(plan_.user.uid) + ":" + std::to_string(plan_.user.gid);', 'std::string heir;']],
      tests: [['test/linux/networks.test.ts', 'goes to none of another user']],
    },
    {
      defence: 'a network that root was in goes to nobody',
      file: 'native/linux/parts/network.h',
      off: [['return !plan_.is_base && plan_.user.uid != 0;', 'return !plan_.is_base;']],
      tests: [['test/linux/networks.test.ts', 'goes to none after a build that was root, who could have changed more of it']],
    },
    {
      defence: 'a network with a socket in it goes to nobody',
      file: 'native/linux/spare_networks.cc',
      off: [['|| !has_no_socket(network)) return;', '|| (has_no_socket(network) && whose.empty())) return;']],
      tests: [['test/linux/networks.test.ts', 'goes to none while there is a socket in it']],
    },
    ...['PID', 'IPC', 'UTS', 'CGROUP'].map((kind) => ({
      defence: `a namespace of its own: ${kind.toLowerCase()}`,
      file: 'native/linux/namespaces.cc',
      off: [['if (!plan.is_host_network) kinds |= CLONE_NEWNET;', `if (!plan.is_host_network) kinds |= CLONE_NEWNET; kinds &= ~CLONE_NEW${kind};`]],
      tests: [['test/linux/namespaces.test.ts', 'are its own']],
    })),
    {
      defence: 'a namespace of its own: network',
      file: 'native/linux/namespaces.cc',
      off: [['if (!plan.is_host_network) kinds |= CLONE_NEWNET;', '']],
      tests: [['test/linux/namespaces.test.ts', 'are its own'], ['test/linux/namespaces.test.ts', 'hold no network interface that is up']],
    },
    {
      defence: 'init has no descriptor of the host program',
      file: 'native/linux/namespaces.cc',
      off: [['if (failed("init", "close_range", raw::close_range(unused))) return;', '']],
      tests: [[`${attacks}/held-descriptors.test.ts`, 'is not open in init either, which has its control, the end of its children and the lock of what is lent']],
    },
    {
      defence: 'a command has no descriptor of init',
      file: init,
      // Whatever comes over the socket closes by itself as well.
      off: [['(long)&packet, kReceiveClosing);', '(long)&packet, 0);'], ['if ((result = call3(__NR_close_range, 3, ~0U, 4)) < 0) goto failed;', '']],
      tests: [[`${attacks}/held-descriptors.test.ts`, 'without close-on-exec, a directory, a lock and a listening socket among it: nothing of it is open inside']],
    },
    {
      defence: 'a command has the session’s keyring',
      file: 'native/linux/namespaces.cc',
      off: [['if (failed("init", "keyctl", make_session_keyring())) return;', '']],
      tests: [['test/linux/namespaces.test.ts', 'is its session’s own: neither the caller’s nor another session’s, and one for all commands']],
    },
    {
      defence: 'a command has the declared groups only',
      file: init,
      off: [['if ((launch->flags & kLaunchSetsGroups) != 0 &&', 'if ((launch->flags & kLaunchSetsGroups) != 0 && launch->uid == 0 &&']],
      tests: [[user, 'has the declared ids and exactly the declared groups']],
    },
    {
      defence: 'a command has the declared group id',
      file: init,
      off: [['if ((result = call3(__NR_setresgid, launch->gid, launch->gid, launch->gid)) < 0) goto failed;', '']],
      tests: [[user, 'is 35001 with no group but its own when none is declared']],
    },
    {
      defence: 'a command has the declared user id',
      file: init,
      off: [['if ((result = call3(__NR_setresuid, launch->uid, launch->uid, launch->uid)) < 0) goto failed;', '']],
      tests: [[user, 'is 35001 with no group but its own when none is declared'], [user, 'cannot become root again']],
    },
    {
      defence: 'a command has no new privileges to get',
      file: init,
      off: [['system_call(__NR_prctl, kSetNoNewPrivileges, 1, 0, 0, 0, 0);', '']],
      tests: [[user, 'has no new privileges to get from any file, root neither']],
    },
    {
      defence: 'capabilities are bounded',
      file: init,
      off: [['if ((kept >> capability & 1) != 0) continue;', 'if (kept != 1) continue;']],
      tests: [['test/linux/privileges.test.ts', 'is nothing beyond its user: no capability, now or ever']],
    },
    {
      defence: 'root keeps seven capabilities',
      file: 'native/linux/capabilities.h',
      off: [['| 1U << 7;  // CAP_SETUID', '| 1U << 7 | 1U << 27 | 1U << 21;']],
      tests: [[`${attacks}/confined-root.test.ts`, 'can neither mount nor unmount, nest, see or change what is not its own'], [`${attacks}/planted-output.test.ts`, 'a device is refused, to root too']],
    },
    {
      defence: 'a command is executed with the build user’s rights',
      file: init,
      // The kernel takes them with the user id as well, unless it is told not to.
      off: [['if ((result = call3(__NR_capset, (long)&header, (long)halves, 0)) < 0) goto failed;', ''], ['kNoRootLocked | kNoSetuidFixupLocked |', 'kNoRootLocked | kNoSetuidFixupLocked | 4 |']],
      tests: [[user, 'is who executes the command: a program that is root’s alone is refused']],
    },
    {
      defence: 'what a command started is told from its neighbours',
      file: init,
      off: [['if ((result = call3(__NR_prctl, kSetSubreaper, 1, 0)) < 0) goto failed;', '']],
      tests: [['test/session/running.test.ts', 'a timeout ends a daemon of the command as well that ignores the signal which ended the command']],
    },
    {
      defence: 'a command that does not execute yet leaves no core',
      file: init,
      off: [['call3(__NR_prctl, kSetDumpable, 0, 0);', ''], ['system_call(__NR_prlimit64, 0, kCoreLimit, (long)no_core, 0, 0, 0);', '']],
      tests: [[`${attacks}/core-dump.test.ts`, 'as %s, for %s: finds nothing of the memory of the host program, and no core where the limit holds']],
    },
  ],

  freebsd: [
    ...lentFolder([[writing, 'the output folder is given back with the owner and the mode it had']]),
    {
      defence: 'inputs are read-only',
      file: 'native/freebsd/parts/nullfs.h',
      off: [['const int flags = MNT_NOSUID | (bind_.is_writable ? 0 : MNT_RDONLY);', 'const int flags = MNT_NOSUID;']],
      tests: [[writing, 'a write to an input is refused by a read-only mount']],
    },
    {
      defence: 'binds are nosuid',
      file: 'native/freebsd/parts/nullfs.h',
      off: [['const int flags = MNT_NOSUID | (bind_.is_writable ? 0 : MNT_RDONLY);', 'const int flags = bind_.is_writable ? 0 : MNT_RDONLY;']],
      tests: [['test/freebsd/record.test.ts', 'its mounts are those of the plan, read-only where they must be and nosuid']],
    },
    {
      defence: 'sockets of the host are not reached through a mount',
      file: 'native/freebsd/parts/nullfs.h',
      off: [['options.add_flag("nounixbypass");', '']],
      tests: [
        [`${attacks}/working-together.test.ts`, 'do not come to the host by it where one has for its output what the other has for an input'],
        [`${attacks}/working-together.test.ts`, 'and one alone does not come to a socket of the host that lies in its input'],
      ],
    },
    {
      defence: 'no folder is written to around a source of another session',
      file: 'native/freebsd/parts/seal.h',
      off: [['if (auto status = refuse_nested_sources(binds_, plan_.state_directory, id_, mounted_); !status) return status;', '']],
      tests: [
        [`${attacks}/leaving-upwards.test.ts`, 'out of an input, by another mount of the same session: does not get to the host by ..'],
        [`${attacks}/leaving-upwards.test.ts`, 'out of an input, by another session: does not get to the host by ..'],
      ],
    },
    {
      defence: 'the root is read-only',
      file: 'native/freebsd/parts/seal.h',
      off: [['nmount_options(options, MNT_UPDATE | MNT_RDONLY | MNT_NOSUID, "seal-root", "/")', 'nmount_options(options, MNT_UPDATE | MNT_NOSUID, "seal-root", "/")']],
      tests: [[writing, 'a new directory in the root is refused by a read-only mount']],
    },
    {
      defence: 'a source is the file that was planned',
      file: 'native/plan/planned_source.h',
      off: [['if (bind.dev == 0 && bind.ino == 0) return true;', 'if (bind.dev != 1 || found.st_dev != 1) return true;']],
      tests: [[exchanged, 'a plan is of the folder that was there: another of the same name is refused']],
    },
    {
      defence: 'what was mounted is what was looked at',
      file: 'native/freebsd/mounted_source.cc',
      off: [['if (is_same_file(held, mounted)) return static_cast<std::uint64_t>(mounted.st_dev);', 'if (is_same_file(held, mounted) || look == 0) return static_cast<std::uint64_t>(mounted.st_dev);']],
      tests: [[exchanged, 'itself: never shows the secret, nor lets anything be written beside it'], [exchanged, 'its parent: never shows the secret, nor lets anything be written beside it']],
    },
    {
      defence: '/dev shows the listed devices only',
      file: 'native/freebsd/parts/devfs.h',
      off: [['options.add_string("ruleset", std::to_string(ruleset));', '']],
      tests: [['test/session/devices.test.ts', 'holds exactly the listed nodes']],
    },
    {
      defence: 'what a build sends over its output keeps no session',
      file: 'native/freebsd/session_jail.cc',
      off: [['if (const auto socket = one.lock()) buildjail::drop_unread(socket->get());', 'static_cast<void>(one);']],
      tests: [[`${attacks}/pushed-descriptors.test.ts`, 'descriptors of a folder it writes to: also while this thread is busy and reads nothing']],
    },
    {
      defence: 'the rules of /dev are looked at when it is mounted',
      file: 'native/freebsd/parts/devfs.h',
      off: [['if (!is_ours || *is_ours) return is_ours;', 'if (!is_ours || *is_ours || ruleset > 0) return true;']],
      tests: [
        ['test/freebsd/devfs-ruleset.test.ts', 'shows the listed nodes alone after somebody has deleted its rules'],
        ['test/freebsd/devfs-ruleset.test.ts', 'is another one after somebody has added to its rules'],
      ],
    },
    {
      defence: 'a command has no controlling terminal',
      file: 'native/freebsd/launch.cc',
      off: [['if (failed("setsid", ::setsid())) return;', '']],
      tests: [[`${attacks}/terminal.test.ts`, 'as undefined types nothing into it, and cannot make it its own']],
    },
    {
      defence: 'a command has no login name of the host’s',
      file: 'native/freebsd/launch.cc',
      off: [['if (failed("setlogin", forget_login_name())) return;', '']],
      tests: [['test/freebsd/inherited.test.ts', 'has no login name']],
    },
    {
      defence: 'a command enters no jail but its session’s',
      file: 'native/freebsd/launch.cc',
      off: [['if (failed("lstat", confirm_root(prepared.jail))) return;', '']],
      tests: [['test/freebsd/removed-jail.test.ts', 'does nothing to the jail that has its number then']],
    },
    {
      defence: 'a lent folder comes back though nobody may change it',
      file: 'native/state/lent_output.cc',
      off: [['if (holding_flags(now) != 0 && set_holding_flags(directory, now, 0) != 0)', 'if (holding_flags(now) == 1 && set_holding_flags(directory, now, 0) != 0)']],
      tests: [[`${attacks}/planted-output.test.ts`, 'flags that let nobody change it (user undefined): close gives back what was lent, without them']],
    },
    {
      defence: 'a command has no descriptor of the host program',
      file: 'native/freebsd/launch.cc',
      off: [['if (failed("close_range", ::close_range(kFirstNotStdio, ~0U, 0))) return;', '']],
      tests: [[`${attacks}/held-descriptors.test.ts`, 'without close-on-exec, a directory, a lock and a listening socket among it: nothing of it is open inside']],
    },
    {
      defence: 'a command that is still the host program is not traced',
      file: 'native/freebsd/launch.cc',
      off: [['if (failed("procctl", forbid_tracing())) return;', '']],
      tests: [[`${attacks}/other-processes.test.ts`, 'and while ${launches} commands are launched beside it, a build as root traces none that is still the host program']],
    },
    {
      defence: 'a command has the declared groups only',
      file: 'native/freebsd/launch.cc',
      off: [['if (failed("setgroups", prepared.groups->call())) return;', '']],
      tests: [[user, 'has the declared ids and exactly the declared groups']],
    },
    {
      defence: 'a command has the declared group id',
      file: 'native/freebsd/launch.cc',
      off: [['if (failed("setresgid", leave_group(prepared.gid))) return;', '']],
      tests: [[user, 'is 35001 with no group but its own when none is declared']],
    },
    {
      defence: 'a command has the declared user id',
      file: 'native/freebsd/launch.cc',
      off: [['if (failed("setresuid", leave_user(prepared.uid))) return;', '']],
      tests: [[user, 'is 35001 with no group but its own when none is declared'], [user, 'cannot become root again']],
    },
    {
      defence: 'a command has no new privileges to get',
      file: 'native/freebsd/launch.cc',
      off: [['if (failed("procctl", forbid_new_privileges())) return;', '']],
      tests: [[user, 'has no new privileges to get from any file, root neither']],
    },
    ...[
      ['no System V memory', 'options.add_int(kind, JAIL_SYS_DISABLE);', 'options.add_int(kind, JAIL_SYS_NEW);'],
      ['no permission of the kernel’s', 'for (const std::string& refusal : abilities.refusals) options.add_flag(refusal);', ''],
      ['no jail inside', 'options.add_int("children.max", 0);', 'options.add_int("children.max", 5);'],
      ['no file system but the root is seen', 'options.add_int("enforce_statfs", 2);', 'options.add_int("enforce_statfs", 0);'],
      ['no network', 'config.is_host_network ? JAIL_SYS_INHERIT : JAIL_SYS_DISABLE;', 'config.is_host_network ? JAIL_SYS_INHERIT : JAIL_SYS_INHERIT;'],
    ].map(([what, on, off]) => ({
      defence: `the jail: ${what}`,
      file: 'native/freebsd/jail.cc',
      off: [[on, off]],
      tests: [['test/freebsd/record.test.ts', 'its jail has no network, no children, no view of other mounts and no permission but to leave root behind']],
    })),
  ],

  /** The same sources on every system, judged on each. */
  both: [
    {
      defence: 'a log is not opened through a link at its end',
      file: 'native/launch/stdio_ends.cc',
      off: [[' | O_NOFOLLOW', '']],
      tests: [[`${attacks}/log-file.test.ts`, 'is not behind a link at all where it is written to']],
    },
    {
      defence: 'no file is opened for a command by way of an output',
      file: 'src/command/host-file.ts',
      off: [['if (outputs.size === 0) return', 'if (outputs.size >= 0) return']],
      tests: [[`${attacks}/log-file.test.ts`, 'is not in a folder of the host that a link of the build leads to, by whatever way that is come by']],
    },
    {
      defence: 'a folder is written to by one live session',
      file: 'native/state/locked_file.cc',
      off: [['if (::flock(fd.get(), kind | LOCK_NB) != 0) return', 'if (fd.get() < 0 || kind < 0) return']],
      tests: [
        [`${attacks}/writing-twice.test.ts`, 'is refused as the output of another, by whatever name, until the first is closed'],
        [`${attacks}/writing-twice.test.ts`, 'is refused to another process as well, until the first is closed or dead'],
      ],
    },
  ],
}
