// The defences of a session, and what switches each of them off: an edit of a copy of the sources, made in the tests' own
// build. For each, tests that fail then. docs/security.md says what they are for.

const writing = 'test/session/writing.test.ts'
const user = 'test/session/user.test.ts'
const etc = 'test/session/etc.test.ts'
const overlay = 'test/session/overlay.test.ts'
const attacks = 'test/session/attacks'
const standardDescriptors = `${attacks}/standard-descriptors.test.ts`
const exchanged = `${attacks}/exchanged-source.test.ts`
const properties = 'test/unit/plan-properties.test.ts'
const nobody = `${attacks}/root-is-nobody.test.ts`
const ids = 'test/linux/ids.test.ts'
const limits = 'test/session/limits.test.ts'
const keeping = 'test/session/keeping.test.ts'
const serving = 'runner/test/serving.test.ts'
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

const nested = `${attacks}/nested-folders.test.ts`
const mountsInOutputs = `${attacks}/mounts-in-outputs.test.ts`
const mountPoints = `${attacks}/mount-points.test.ts`
const twice = `${attacks}/writing-twice.test.ts`
const users = 'test/freebsd/users.test.ts'
/** Each kind of system calls that a session on Linux refuses, with what the attack calls it. */
const refusedCalls = Object.entries({
  Keyrings: 'keyrings',
  Namespaces: 'namespaces',
  Mounts: 'mounts',
  IoUring: 'io_uring',
  Perf: 'performance counters',
  Bpf: 'programs for the kernel',
  Userfaultfd: 'page faults of its own',
  Sockets: 'other sockets',
  SetId: 'set-id bits',
  Attributes: 'attributes of files',
  Terminals: 'typing into terminals',
  Handles: 'files by their handles',
  Clocks: 'clocks',
  Personality: 'personalities',
  Descent: 'leaving what it descends from',
  FileLeases: 'leases of files',
  Aio: 'contexts of input and output that the host counts',
  Kernel: 'the kernel',
}).map(([reason, what]) => ({
  defence: `system calls are refused: ${what}`,
  file: 'native/linux/system_call_filter.cc',
  off: [['return !lifted || !allowed.has(*lifted);', `return call.reason != Reason::k${reason} && (!lifted || !allowed.has(*lifted));`]],
  tests: [[`${attacks}/refused-calls.test.ts`, `cannot be those of ${what}`]],
}))
const handedBackTests = `${attacks}/handed-back.test.ts`
const everythingBack = [[handedBackTests, 'belongs to the owner of the folder, without set-id bits, flags, attributes and lists (user undefined)']]
const tree = 'native/state/lent_tree.cc'

/** Where a user of the host may be the build's as well. On Linux no number of a session is anybody else's. */
const sharedUser = [
  {
    defence: 'files of others that a build did not change stay theirs',
    file: tree,
    off: [['if (file.changed_ns < before_.since_ns)', 'if (file.changed_ns < 0)']],
    tests: [
      [handedBackTests, 'is what the build made or changed: files of others, and those with a name outside, stay theirs'],
      [handedBackTests, 'of a user who is named: their files that were there before, and were not changed, stay theirs'],
    ],
  },
  {
    defence: 'a file with a name outside of the output is not taken for the build’s',
    file: tree,
    off: [['if (met.names.size() != file.links) return false;', 'if (met.names.empty()) return false;']],
    tests: [
      [handedBackTests, 'is what the build made or changed: files of others, and those with a name outside, stay theirs'],
      [handedBackTests, 'is no file of others with a name outside, be it made while the build ran'],
    ],
  },
  {
    defence: 'a file of the build is taken for the build’s by all its names, whatever times it has',
    file: tree,
    off: [['if (met.names.size() != file.links) return false;', 'if (met.names.size() != 9) return false;']],
    tests: [[handedBackTests, 'belongs to the owner of the folder by all names that it has, whatever times the build gave it (user %o)']],
  },
]

/** What comes back in an output. */
const handedBack = [
  {
    defence: 'what a build made comes back to the owner of the folder',
    file: tree,
    off: [['lending_.gives_owner && is_other;', 'lending_.gives_owner && is_other && file.links == 0;']],
    tests: everythingBack,
  },
  {
    defence: 'what a build made comes back though it lies among files of others',
    file: 'native/state/tree_walk.cc',
    off: [['if (looks_first_ && is_of_no_concern(directory, name))', 'if (looks_first_)']],
    tests: [[handedBackTests, 'belongs to the owner of the folder wherever it lies among the files of somebody else, which stay as they were']],
  },
  {
    defence: 'set-id bits of a build are taken away',
    file: tree,
    off: [['const mode_t taken = (kSetId & ~kept) |', 'const mode_t taken = 0 |']],
    tests: everythingBack,
  },
  {
    defence: 'marks that a build put on files are taken away',
    file: tree,
    off: [['if (lending_.takes_marks) {', 'if (lending_.takes_marks && file.links == 0) {']],
    tests: everythingBack,
  },
  {
    defence: 'marks that a build put on the folder are taken away',
    file: 'native/state/lent_output.cc',
    off: [['if (noted.lending.takes_marks) {', 'if (noted.lending.takes_marks && before.mode == 0) {']],
    tests: [...everythingBack, [handedBackTests, 'has of the folder what was on it before, and nothing else']],
  },
  {
    defence: 'an output is shut to others of the host while it is lent',
    file: 'native/envelope/output.cc',
    off: [['if (shut != before.mode && ::fchmod(', 'if (shut != before.mode && shut == 0 && ::fchmod(']],
    tests: [[handedBackTests, 'is shut to others of the host until it has come back']],
  },
]

const linuxLimits = 'test/linux/limits.test.ts'
const bounds = 'test/linux/bounds.test.ts'
const sessionCgroup = 'native/linux/session_cgroup.cc'

/** What a build on Linux may take. */
const limited = [
  ...[
    ['memory', 'of memory end what takes more, and nothing else: the session runs on, and so does its neighbour'],
    ['processes', 'of processes hold against one that forks 10,000 times, and a neighbour goes on at its pace'],
    ['cpus', 'of processors are kept by all together'],
  ].map(([limit, title]) => ({
    defence: `a limit holds: ${limit}`,
    file: sessionCgroup,
    off: [[`if (holds(limits_.${limit}))`, `if (holds(limits_.${limit}) && limits_.is_best_effort)`]],
    tests: [[linuxLimits, title], [linuxLimits, 'are files of cgroups that bear its id, and all in it is in them from its beginning on']],
  })),
  {
    defence: 'a limit that cannot be held refuses the session',
    file: 'native/linux/cgroups.cc',
    off: [['if (!limits.is_best_effort) return not_held(one.limit, found->why);', 'if (limits.is_best_effort) return not_held(one.limit, found->why);']],
    tests: [
      [
        'test/linux/limits-refused.test.ts',
        'as no cgroups are mounted, a session is refused that asks for one, in one sentence that names it and what to do, and doctor says the same',
      ],
    ],
  },
  {
    defence: 'what waits in sockets counts for a limit of memory',
    file: sessionCgroup,
    off: [['if (holds(limits_.memory) && !is_unified) status', 'if (holds(limits_.memory) && limits_.is_best_effort) status']],
    tests: [[linuxLimits, 'of memory hold for what waits in sockets, which a build has without having it']],
  },
  {
    defence: 'a cgroup goes with its session',
    file: sessionCgroup,
    off: [['if (auto status = remove_cgroup(cgroup.directory, taking); !status) return status;', 'if (cgroup.directory.empty()) return remove_cgroup(cgroup.directory, taking);']],
    tests: [[linuxLimits, 'with all of them on, a hundred sessions leave no cgroup']],
  },
  {
    defence: 'a cgroup goes with a host program that is killed',
    file: 'native/linux/recovery.cc',
    off: [['if (is_cgroup_of(remains.entry.id, fact.value))', 'if (fact.value.empty() && is_cgroup_of(remains.entry.id, fact.value))']],
    tests: [[linuxLimits, 'go with the host program that is killed, by its watcher and by a recovery']],
  },
  {
    defence: 'a recovery removes only cgroups of its session',
    file: 'native/linux/cgroups.cc',
    off: [
      ['directory.substr(name + 1) != cgroup_name(id)', 'name == 0 || id.empty()'],
      ['return found.f_type == CGROUP2_SUPER_MAGIC || found.f_type == CGROUP_SUPER_MAGIC;', 'return found.f_type != 0;'],
    ],
    tests: [[linuxLimits, 'of a journal that names what is not the session’s: a recovery leaves that alone, and says so']],
  },
  {
    defence: 'closing and killing wait for no processor time',
    file: sessionCgroup,
    off: [['void SessionCgroup::let_end() {\n  if (!limits_.cpus', 'void SessionCgroup::let_end() {\n  if (limits_.cpus || !limits_.cpus']],
    tests: [[linuxLimits, 'of processors hold up neither killing everything nor closing']],
  },
  {
    defence: 'builds end before the host program where memory runs out',
    file: 'native/linux/child.cc',
    off: [['kFirstToGo = "1000"', 'kFirstToGo = "0"']],
    tests: [[bounds, 'ends before the host program where memory runs out (user undefined)']],
  },
  {
    defence: 'files in memory are bounded by their number',
    file: 'native/linux/mount_program.cc',
    off: [['if (bound.files > 0)', 'if (bound.files == 1)']],
    tests: [[bounds, 'makes so many files in /tmp and /dev/shm, and no more (user undefined)']],
  },
  {
    defence: 'a device that is named is the one that was planned',
    file: 'native/plan/planned_device.cc',
    off: [['static_cast<std::uint64_t>(found.st_rdev) == device.number', 'found.st_rdev != 0']],
    tests: [['test/session/named-devices.test.ts', 'is refused when it is another one by now, and when it is gone']],
  },
  {
    defence: 'terminals of a session are bounded',
    file: 'native/linux/mount_program.cc',
    off: [['mode=0600,max=128', 'mode=0600,max=4000']],
    tests: [[bounds, 'takes a part of what its host has once, and not all (user undefined)']],
  },
  {
    defence: 'inotify instances of a session are bounded',
    file: 'native/linux/user_space.cc',
    off: [['kMostInotifyInstances = "32"', 'kMostInotifyInstances = "100000"']],
    tests: [[bounds, 'takes a part of what its host has once, and not all (user undefined)']],
  },
  {
    defence: 'message queues of a session are bounded',
    file: init,
    off: [['kMostQueueBytes = 409600', 'kMostQueueBytes = 819200']],
    tests: [[bounds, 'takes a part of what its host has once, and not all (user undefined)']],
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
      defence: 'a text of a build is no markup',
      file: 'src/page/html.ts',
      off: [["'<': '&lt;'", "'<': '<'"]],
      tests: [['test/unit/page.test.ts', 'but is there as it is, in %s: %s']],
    },
    {
      defence: 'a text of a build leaves no attribute of a page',
      file: 'src/page/html.ts',
      off: [["'\"': '&quot;'", "'\"': '\"'"]],
      tests: [['test/unit/page.test.ts', 'and not in an attribute either']],
    },
    {
      defence: 'what turns the direction of writing is shown by number',
      file: 'src/page/visible.ts',
      off: [['\\p{Bidi_Control}', '']],
      tests: [['test/unit/page.test.ts', 'by its number: %j']],
    },
    {
      defence: 'a page is not written where a build can have put a link',
      file: 'src/cli/run-report.ts',
      off: [['if (around !== undefined) throw', 'if (around === null) throw']],
      tests: [['test/unit/cli.test.ts', 'is refused where the build writes, by whatever way that is named']],
    },
    {
      defence: 'a page is not written through a link that an earlier build has left',
      file: 'src/cli/record-file.ts',
      off: [['isOfSystem(file) ? 0 : O_NOFOLLOW', '0']],
      tests: [['test/unit/record-file.test.ts', 'that is a link to %s is refused by its name, and what it leads to stays as it is']],
    },
    {
      defence: 'a name that a build chose steers no terminal',
      file: 'src/spec/readable.ts',
      off: [['[\\p{C}\\p{Zl}\\p{Zp}]/gu, (', '[]/gu, (']],
      tests: [['test/unit/cli.test.ts', '%s: what was not kept, or was left in an output']],
    },
    {
      defence: 'a record has no value of a variable that may be a secret',
      file: 'src/recording/recorded-plan.ts',
      off: [['hasValues || openVariables', "name !== '' || openVariables"]],
      tests: [['test/unit/recording.test.ts', 'has no secret of the environment or of /etc']],
    },
    {
      defence: 'memory of the host is no device of a session',
      file: 'src/spec/planned-device.ts',
      off: [["platform === 'linux' && stats.isCharacterDevice() && major === 1 &&", "platform === 'linux' && stats.isCharacterDevice() && major === 999 &&"]],
      tests: [['test/unit/plan-devices.test.ts', '/dev/memory-by-another-name']],
    },
    {
      defence: 'a terminal of the host is no device of a session',
      file: 'src/spec/planned-device.ts',
      off: [['(major >= 136 && major <= 143)', '(major >= 236 && major <= 143)']],
      tests: [['test/unit/plan-devices.test.ts', '/dev/terminal-by-another-name']],
    },
    {
      defence: 'file systems in memory take half of it at most',
      file: 'src/spec/memory-files.ts',
      off: [['if (taken > 0 && room <', 'if (taken < 0 && room <']],
      tests: [['test/unit/plan-tmpfs.test.ts', 'are refused where they are more']],
    },
    {
      defence: 'an output lies around no other source',
      file: 'src/spec/source-rules.ts',
      off: [['if (output === undefined) continue', 'if (output !== null) continue']],
      tests: [[properties, 'no output is the source of an input, or lies around another source']],
    },
    {
      defence: 'a state directory is no link',
      file: 'src/spec/state-directory.ts',
      off: [['if (rest.length === 0 && lstatSync', 'if (rest.length > 99 && lstatSync']],
      tests: [['test/unit/state-directory.test.ts', 'a symbolic link is none, and links before it are followed']],
    },
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
      defence: 'an output that is made is a mount point at its own place only',
      file: 'src/spec/nesting.ts',
      off: [['inner.missingIn !== undefined && inner.source === `${source}/${below}`', 'inner.missingIn !== undefined && below !== source']],
      tests: [['test/session/made-outputs.test.ts', 'may lie in an input of the same session, at its own place there']],
    },
    {
      defence: 'a folder is writable once in a session',
      file: 'src/spec/source-rules.ts',
      off: [['if (other !== undefined) {', "if (other === '') {"]],
      tests: [[properties, 'only outputs are writable, and each of them once']],
    },
    {
      defence: 'texts of a spec are written below /etc only',
      file: 'src/spec/fields/etc.ts',
      off: [["if (!path.startsWith('/etc/'))", "if (path === '')"]],
      tests: [['test/unit/etc.test.ts', 'are refused by their name where they are a path elsewhere']],
    },
    {
      defence: 'texts of a spec are bounded',
      file: 'src/spec/fields/etc.ts',
      off: [['> mostText) throw', '> 2 * mostText) throw']],
      tests: [['test/unit/etc.test.ts', 'are refused by their name where they are too much text']],
    },
    {
      defence: 'targets are normal paths, without ..',
      file: 'src/spec/target-rules.ts',
      off: [["if (!plain || target.split('/').includes('..')) {", 'if (!plain && plain) {']],
      tests: [[properties, 'targets are absolute, normal and unique']],
    },
    {
      defence: 'nothing is mounted where there is no mount point',
      file: 'src/spec/target-rules.ts',
      off: [['refuseIn(outer, mount)', 'if (outer.source === mount.source) refuseIn(outer, mount)']],
      tests: [[properties, 'what lies below a mount is in our own /tmp, or has a mount point there that no link leads to, or can be made one']],
    },
    {
      defence: 'root is only who asked by name',
      file: 'src/spec/fields/user.ts',
      off: [['if (uid === 0) throw', 'if (uid === -1) throw']],
      tests: [[properties, 'root is only who asked by name']],
    },
  ],

  linux: [
    {
      defence: 'no link of an earlier action is followed for a worker',
      file: 'runner/src/action/place.ts',
      off: [['if (real !== found)', "if (real === '')"]],
      tests: [[serving, 'whose %s leads through a link, which an earlier action may have made']],
    },
    {
      defence: 'no file of a worker is written to that is there',
      file: 'runner/src/action/place.ts',
      off: [['O_CREAT | O_EXCL | O_APPEND', 'O_CREAT | O_APPEND']],
      tests: [[serving, 'whose stdout is there already, and it stays as it is']],
    },
    {
      defence: 'a worker has its answer when everything is taken away',
      file: 'runner/src/action/actions.ts',
      off: [['await this.#close(session)', 'void this.#close(session)']],
      tests: [['runner/test/alone.test.ts', 'a daemon of the action is gone, and writes nothing any more']],
    },
    {
      defence: "the runner's socket is for its own user",
      file: 'runner/src/service/socket.ts',
      off: [['process.umask(0o177)', 'process.umask(0)']],
      tests: [['runner/test/config.test.ts', 'is for our own user alone, from its first moment on']],
    },
    {
      defence: 'a build directory that others may enter is refused',
      file: 'runner/src/config/build-directory.ts',
      off: [['(mode & others) !== 0', '(mode & others) === 1']],
      tests: [['runner/test/config.test.ts', 'with a build directory that others may enter, as they could exchange folders in it']],
    },
    {
      defence: 'what sessions on Linux have together in /etc is read-only',
      file: 'native/linux/prepared_etc.cc',
      off: [['MS_REMOUNT | MS_RDONLY | kPlain', 'MS_REMOUNT | kPlain']],
      tests: [[etc, 'is a file system that is read-only wherever it is mounted']],
    },
    ...limited,
    {
      defence: 'a folder that is mounted at a second place is the same folder (Linux)',
      file: 'native/linux/mount_table.cc',
      off: [['if (!may_be_alias) continue;', 'continue;']],
      tests: [[nested, 'a folder that the administrator shows at a second place is the same folder']],
    },
    {
      defence: 'a mount in an output is seen wherever it was mounted (Linux)',
      file: 'native/linux/mount_table.cc',
      off: [['one.point != top && is_within(one.point, top)', 'one.on != folder && is_within(one.on, folder)']],
      tests: [[mountsInOutputs, 'is seen where it was mounted at another place of the same folder']],
    },
    ...handedBack,
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
      defence: 'an overlay is the build’s where its source is the owner’s, and nobody else’s',
      file: 'native/linux/overlay_maps.cc',
      off: [['exchanged(uid, outside.uid)', 'exchanged(uid, uid)']],
      tests: [[overlay, 'belongs to the build, all of it that is its owner’s, and has its modes and times']],
    },
    {
      defence: 'what is not the owner’s stays as it is in an overlay',
      file: 'native/linux/overlay_maps.cc',
      off: [['std::vector<IdExtent> map;\n  std::uint64_t next = 0;', 'std::vector<IdExtent> map{{.inside = one, .outside = other, .count = 1}};\n  if (!map.empty()) return map;\n  std::uint64_t next = 0;']],
      tests: [[overlay, 'is the same where its owner is neither root nor the caller; what is of others stays theirs']],
    },
    {
      defence: 'an overlay has neither devices nor set-id programs',
      file: 'native/linux/overlay_room.cc',
      off: [['raw::fsmount(fs.get(), raw::kNoSuid | raw::kNoDev)', 'raw::fsmount(fs.get(), 0)']],
      tests: [[overlay, 'is what the plan and the record say, with no name of the host where a build can see it']],
    },
    {
      defence: 'the layers of an overlay have no name inside',
      file: 'native/linux/overlay_room.cc',
      off: [['if (::umount2(".", MNT_DETACH) != 0) return', 'if (::umount2("", MNT_DETACH) == 0) return']],
      tests: [[overlay, 'is what the plan and the record say, with no name of the host where a build can see it']],
    },
    {
      defence: 'what is mounted in the source of an overlay is not silently left out',
      file: 'native/linux/whole_overlays.cc',
      off: [['if (!is_covered) return', 'if (!is_covered && binds.empty()) return']],
      tests: [[overlay, 'is refused where something is mounted in it, and has something of its own there instead']],
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
      defence: 'no link leads to a mount point',
      file: 'native/linux/mount_program.cc',
      off: [['raw::open_below(root_, relative(bind.target), O_PATH | O_CLOEXEC | kind)', '::openat(root_, relative(bind.target), O_PATH | O_CLOEXEC | static_cast<int>(kind))']],
      tests: [['test/session/nested-mounts.test.ts', 'whose mount point became a link since the plan was made is refused']],
    },
    {
      defence: 'mount points go though a build has shut the folder that they are in',
      file: 'native/state/mount_point.cc',
      off: [['if (!around.is_open()) return status;', 'if (!around.is_open() || point.dev != 1) return status;']],
      tests: [[mountPoints, 'in a folder that the build shuts, and lets nobody change, goes when the host program closes (of an ordinary user, ownership folder)']],
    },
    {
      defence: 'an output comes back though its build has shut it',
      file: 'native/state/lent_output.cc',
      off: [['if (directory || errno != EACCES) return directory;', 'if (directory || errno != 0) return directory;']],
      tests: [[mountPoints, 'in a folder that the build shuts, and lets nobody change, goes when the host program is killed with its watcher (of an ordinary user, ownership folder)']],
    },
    {
      defence: 'what is in place of a mount point stays',
      file: 'native/state/mount_point.cc',
      off: [['(is_known && !is_ours) ||', '(is_known && point.dev == 0 && !is_ours) ||']],
      tests: [[mountPoints, 'that is not empty any more, or another by now, stays when the session is closed']],
    },
    {
      defence: 'no link is followed where an output is made',
      file: 'native/state/made_folder.cc',
      off: [['O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC', 'O_RDONLY | O_DIRECTORY | O_CLOEXEC']],
      tests: [['test/session/made-outputs.test.ts', 'is not made through a link that was put in the way, nor where there is a file']],
    },
    {
      defence: 'a store keeps what a build did not make',
      file: 'native/envelope/output.cc',
      off: [['const uid_t owner = ::geteuid();', 'const uid_t owner = as_.user.uid;']],
      tests: [['test/session/stores.test.ts', 'keeps what was in it before, which the build can read and not change']],
    },
    {
      defence: 'what a build leaves in a store is for others to read only',
      file: tree,
      off: [['is_given && lending_.is_store ? kOthersWrite : 0', '0']],
      tests: [['test/session/stores.test.ts', 'keeps what a build made in it, whatever modes that gave it']],
    },
    {
      defence: 'a store is sticky and shut',
      file: 'native/envelope/output.h',
      off: [['kStoreMode = S_ISVTX | S_IRWXU | S_IRWXG;', 'kStoreMode = S_IRWXU | S_IRWXG | S_IRWXO;']],
      tests: [['test/session/stores.test.ts', 'is shut to others of the host while a session has it, and sticky']],
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
          'UniqueFd copy = copy_of(pinned, bind.is_writable || bind.is_overlay || !S_ISDIR(found.st_mode) ? 0 : raw::kRecursive);',
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
    {
      defence: 'a network in which a connection has yet to be forgotten goes to nobody',
      file: 'native/linux/spare_networks.cc',
      off: [[' && counts.find(" tw 0 ") != std::string_view::npos;', ';']],
      tests: [['test/linux/networks.test.ts', 'goes on with its loopback up only to a session that has one too, and not while an ended connection has a port in it']],
    },
    {
      defence: 'what is no network namespace is not entered',
      file: 'native/linux/handed_in_network.cc',
      off: [['if (system.f_type != NSFS_MAGIC) return no_network(path);', '']],
      tests: [['test/linux/handed-in-network.test.ts', 'is looked at without opening what it is: who would wait for the other end of a fifo does not']],
    },
    ...['PID', 'IPC', 'UTS', 'CGROUP'].map((kind) => ({
      defence: `a namespace of its own: ${kind.toLowerCase()}`,
      file: 'native/linux/namespaces.cc',
      off: [['if (!plan.network.is_host()) kinds |= CLONE_NEWNET;', `if (!plan.network.is_host()) kinds |= CLONE_NEWNET; kinds &= ~CLONE_NEW${kind};`]],
      tests: [['test/linux/namespaces.test.ts', 'are its own']],
    })),
    {
      defence: 'a namespace of its own: network',
      file: 'native/linux/namespaces.cc',
      off: [['if (!plan.network.is_host()) kinds |= CLONE_NEWNET;', '']],
      tests: [['test/linux/namespaces.test.ts', 'are its own'], ['test/linux/namespaces.test.ts', 'hold no network interface that is up']],
    },
    {
      defence: 'init has no descriptor of the host program',
      file: 'native/linux/namespaces.cc',
      off: [['if (failed("init", "close_range", close_from(unused, prepared.kept))) return;', '']],
      tests: [[`${attacks}/held-descriptors.test.ts`, 'is not open in init either, which has its control, the end of its children and the lock of its session']],
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
      tests: [['test/linux/namespaces.test.ts', 'leads %s to no key of a caller’s own, who has a keyring of the user as well, as after a login']],
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
      file: 'native/linux/namespaces.cc',
      off: [['if (failed("filter", "prctl", ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))) return;', '']],
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
      tests: [['test/linux/privileges.test.ts', "is ${kept.join(', ')} at most when it asked to be root"]],
    },
    {
      defence: 'a command is executed with the build user’s rights',
      file: init,
      // The kernel takes them with the user id as well, unless it is told not to.
      off: [['if ((result = call3(__NR_capset, (long)&header, (long)halves, 0)) < 0) goto failed;', ''], ['kNoRootLocked | kNoSetuidFixupLocked |', 'kNoRootLocked | kNoSetuidFixupLocked | 4 |']],
      tests: [['test/linux/privileges.test.ts', 'is nothing beyond its user: no capability, now or ever']],
    },
    {
      defence: 'what a command started is told from its neighbours',
      file: init,
      off: [['if ((result = call3(__NR_prctl, kSetSubreaper, 1, 0)) < 0) goto failed;', '']],
      tests: [['test/session/running.test.ts', 'a timeout ends a daemon of the command as well that ignores the signal which ended the command']],
    },
    {
      defence: 'root inside is nobody outside',
      file: 'native/linux/envelope.cc',
      off: [['if (!*taken && plan_->user.uid == 0) return', 'if (!*taken && plan_->user.uid == 1) return'], ['user_space_ = std::move(*taken);', 'static_cast<void>(host_->user_spaces.give_back(*taken));']],
      tests: [
        [nobody, 'it reads nothing in an input that is root’s alone'],
        [nobody, 'it changes nothing in its output that was another user’s before'],
        [nobody, 'a set-uid program that it makes is not root’s outside'],
        [nobody, 'it changes neither the host’s null device nor a log, though it was given both'],
      ],
    },
    {
      defence: 'no id of the host’s own is mapped into a session',
      file: 'native/linux/user_spaces.cc',
      off: [['made.map = map_onto((*ranges)->range(made.lease.number()), plan.user);', 'made.map = map_onto({.first = 0, .size = IdRanges::kFull}, plan.user);']],
      tests: [[nobody, 'it gives no file to a user of the host'], [nobody, 'it reads nothing in an input that is root’s alone']],
    },
    {
      defence: 'no two live sessions have an id in common',
      file: 'native/linux/user_spaces.cc',
      off: [['made.map = map_onto((*ranges)->range(made.lease.number()), plan.user);', 'made.map = map_onto((*ranges)->range((*ranges)->first), plan.user);']],
      tests: [[ids, 'are no other live session’s: 32 at once, and another program’s']],
    },
    {
      defence: 'ids that are given to others are no session’s',
      file: 'native/linux/id_ranges.cc',
      off: [['free = without(free, given);', '']],
      tests: [[ids, 'are others, where nothing is named']],
    },
    {
      defence: 'ids that are named and given to others are refused',
      file: 'native/linux/id_ranges.cc',
      off: [['if (named && !within(free, given).empty())', 'if (named && within(free, given).empty() && !within(free, given).empty())'], ['free = without(free, given);', '']],
      tests: [[ids, 'are refused where those are named, in one sentence']],
    },
    {
      defence: 'what is shut in an open input stays shut',
      file: 'native/linux/own_sources.cc',
      off: [['return found.st_uid == owner && (found.st_mode & needed) == 0;', 'return found.st_uid == owner && needed != 0;']],
      tests: [
        ['test/linux/mounts.test.ts', 'show an input that is the caller’s alone to the build user as its own, and nothing else that is shut (user %s)'],
        [nobody, 'it reads nothing in an input that is root’s alone'],
      ],
    },
    {
      defence: 'without a user namespace no build is root',
      file: 'native/linux/envelope.cc',
      off: [['if (!*taken && plan_->user.uid == 0) return', 'if (!*taken && plan_->user.uid == 1) return']],
      tests: [[ids, 'that may have no user namespace: sessions have none and say so, and none is root inside']],
    },
    {
      defence: 'init is nobody whom root inside can reach',
      file: init,
      off: [['call3(__NR_umask, kUmask, 0, 0);', 'call3(__NR_umask, kUmask, 0, 0); call3(__NR_setresgid, 0, 0, 0); call3(__NR_setresuid, 0, 0, 0);']],
      tests: [[nobody, 'it reaches neither init, by any right over processes, nor one of the host']],
    },
    {
      defence: 'an output is nobody else’s until all of its session has ended',
      file: 'native/linux/namespaces.cc',
      off: [['.lock = lock.get(),', '.lock = -1,']],
      tests: [['test/linux/controller-death.test.ts', 'and something of its session lives on, its output is nobody else’s until that has ended']],
    },
    {
      defence: 'a command that does not execute yet leaves no core',
      file: init,
      off: [['call3(__NR_prctl, kSetDumpable, 0, 0);', ''], ['system_call(__NR_prlimit64, 0, kCoreLimit, (long)no_core, 0, 0, 0);', '']],
      tests: [[`${attacks}/core-dump.test.ts`, 'as %s, for %s: finds nothing of the memory of the host program, and no core where the limit holds']],
    },
    ...refusedCalls,
    {
      defence: 'system calls are refused: those of another architecture',
      file: 'native/linux/system_call_filter.cc',
      off: [['{kJumpIfEqual, 1, 0, name_of(architecture)},', '{kJumpIfEqual, 1, 1, name_of(architecture)},']],
      tests: [[`${attacks}/refused-calls.test.ts`, 'cannot be those of other architectures']],
    },
    {
      defence: 'every session has the filter on system calls',
      file: 'native/linux/namespaces.cc',
      off: [['if (failed("filter", "seccomp", prepared.filter->install())) return;', '']],
      tests: [
        [`${attacks}/refused-calls.test.ts`, 'are filtered, as the record of the session says'],
        [`${attacks}/refused-calls.test.ts`, 'lead a build as %s to no cgroup of the host, as it gets no namespace to mount one in'],
        ['test/linux/namespaces.test.ts', 'is out of reach for %s, like every other keyring, where the spec does not allow it'],
      ],
    },
    {
      defence: 'what /proc has of the host alone is covered',
      file: 'native/linux/hidden_proc.cc',
      off: [['if (raw::move_mount(cover.get(), AT_FDCWD, path.c_str()) != 0) return', 'if (cover.get() < 0) return']],
      // In its user namespace a build reads none of it without that, either: what differs is what is mounted there.
      tests: [['test/session/floor.test.ts', 'gives a command the same to see as a session does, and leaves as little behind']],
    },
    {
      defence: 'spare networks are as few as descriptors are',
      file: 'native/linux/spare_networks.cc',
      off: [['std::min<rlim_t>(kMost, limit.rlim_cur / kDescriptorsForOne)', 'std::min<rlim_t>(kMost, limit.rlim_cur)']],
      tests: [['test/linux/networks.test.ts', 'takes few descriptors where the host program may have few']],
    },
    {
      defence: 'a build does not raise the limits of its processes',
      file: init,
      off: [['if (bounds[1] > hard) bounds[1] = hard;', '']],
      tests: [
        [limits, 'openFiles holds, of the session and of a run, whichever is smaller; soft and hard'],
        [limits, 'is kept by a build that is root, but on FreeBSD'],
      ],
    },
    {
      defence: 'no more of an inherited file is given back than was moved',
      file: 'native/launch/flow.cc',
      off: [['std::min<std::uint64_t>(pending() + unread, moved_)', 'std::uint64_t{pending() + unread}']],
      tests: [[standardDescriptors, 'as root does not send it back to before the command, by filling a pipe that has all of the file']],
    },
    {
      defence: 'what is unread of a file stays in no pipe',
      file: 'native/launch/flow.cc',
      off: [['  empty(command_end_, unread);\n', '  static_cast<void>(empty);\n']],
      tests: [[standardDescriptors, 'as root reads nothing there that is written to the file afterwards']],
    },
  ],

  freebsd: [
    {
      defence: 'a folder that is listed is a source of its session',
      file: 'native/plan/plan.cc',
      off: [['if (const auto* const listed = std::get_if<Listed>(&step)) sources', 'if (const auto* const listed = std::get_if<Listed>(&step); listed != nullptr && listed->modified == 0) sources']],
      tests: [['test/freebsd/listed-folders.test.ts', 'is the output of a live session all the same: refused, even where nothing of it would be shown']],
    },
    {
      defence: 'a folder that is listed has in it what was planned',
      file: 'native/freebsd/parts/listed_folder.h',
      off: [['if (nanoseconds(now.st_mtim) == listed_.modified) return {};', 'if (nanoseconds(now.st_mtim) != 0) return {};']],
      tests: [['test/freebsd/listed-folders.test.ts', 'is what was planned: a plan is refused when something was made or removed in it since, below as well']],
    },
    {
      defence: 'processes have the limits of their command',
      file: 'native/freebsd/jail_child.cc',
      off: [['if (has_failed(kLimits, "setrlimit", [&] { return child.limits->call(); })) return;', '']],
      tests: [[limits, 'fileSize ends who writes a larger file, and the neighbour does not notice']],
    },
    {
      defence: 'mount points go though a build lets nobody change the folder that they are in',
      file: 'native/state/mount_point.cc',
      off: [['if (!around.is_open()) return status;', 'if (!around.is_open() || point.dev != 1) return status;']],
      tests: [[mountPoints, 'in a folder that the build shuts, and lets nobody change, goes when the host program closes (of root, ownership unchanged)']],
    },
    ...handedBack,
    ...sharedUser,
    ...lentFolder([[writing, 'the output folder is given back with the owner and the mode it had']]),
    {
      defence: 'inputs are read-only',
      file: 'native/freebsd/mounts.h',
      off: [['return MNT_NOSUID | (is_writable ? 0 : MNT_RDONLY);', 'return is_writable ? MNT_NOSUID : MNT_NOSUID;']],
      tests: [[writing, 'a write to an input is refused by a read-only mount']],
    },
    {
      defence: 'binds are nosuid',
      file: 'native/freebsd/mounts.h',
      off: [['return MNT_NOSUID | (is_writable ? 0 : MNT_RDONLY);', 'return is_writable ? 0 : MNT_RDONLY;']],
      tests: [['test/freebsd/record.test.ts', 'its mounts are those of the plan, read-only where they must be and nosuid']],
    },
    {
      defence: 'sockets of the host are not reached through a mount',
      file: 'native/freebsd/mounts.cc',
      off: [['options.add_flag("nounixbypass");', '']],
      tests: [
        [`${attacks}/working-together.test.ts`, 'do not come to the host by it where one has for its output what the other has for an input'],
        [`${attacks}/working-together.test.ts`, 'and one alone does not come to a socket of the host that lies in its input'],
      ],
    },
    {
      defence: 'a folder that is mounted at a second place is the same folder (FreeBSD)',
      file: 'native/freebsd/mount_table.cc',
      off: [['if (mount == nullptr || std::string_view(mount->f_fstypename) != "nullfs") return {};', 'return {};']],
      tests: [[nested, 'a folder that the administrator shows at a second place is the same folder']],
    },
    {
      defence: 'a build user is one live session’s alone',
      file: 'native/state/numbered_lease.cc',
      off: [['auto lock = lock_file(things.step, file, O_RDWR | O_CREAT | O_APPEND);', 'auto lock = lock_file(things.step, file, O_RDWR | O_CREAT | O_APPEND, LOCK_SH);']],
      tests: [[users, 'that are all leased are an error that says who has them, and can be waited for']],
    },
    {
      defence: 'a build user that a spec names is not one that is leased',
      file: 'native/freebsd/parts/user_lease.cc',
      off: [['if (plan_.users == 0 && plan_.user.uid == 0) return {};', 'if (plan_.users == 0) return {};']],
      tests: [[users, 'that are named are shared with who names them too, and with nobody who leased one']],
    },
    {
      defence: 'no process of the host has the user that is leased',
      file: 'native/freebsd/parts/user_lease.cc',
      off: [['if (!*process) return std::string();', 'return std::string();']],
      tests: [[users, 'are not given out where a process of the host has that user']],
    },
    {
      defence: 'a dead session has its user taken away',
      file: 'native/state/lease.cc',
      off: [['if (!has_session) static_cast', 'if (!*holder) static_cast']],
      tests: [[users, 'are each another of ${all} sessions at once, also when a program with half of them is killed, and all come back']],
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
      off: [['if (is_same_file(held, mounted)) return mounted;', 'if (is_same_file(held, mounted) || look == 0) return mounted;']],
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
      defence: 'no rule of /dev comes after ours',
      file: 'native/freebsd/devfs_ruleset.cc',
      off: [['return !*next;', 'return true;']],
      tests: [['test/freebsd/devfs-ruleset.test.ts', 'is another one after somebody has added a rule that shows what is not there yet']],
    },
    {
      defence: 'a descriptor of a jail is close-on-exec from the start',
      file: 'native/freebsd/open_jail.cc',
      off: [['MSG_DONTWAIT | MSG_CMSG_CLOEXEC', 'MSG_DONTWAIT']],
      tests: [['test/freebsd/jail-descriptors.test.ts', 'it is close-on-exec from the start, and no child gets it']],
    },
    {
      defence: 'a command has no controlling terminal',
      file: 'native/freebsd/jail_child.cc',
      off: [['return self = ::setsid();', 'return self = ::getpid();']],
      tests: [[`${attacks}/terminal.test.ts`, 'as undefined types nothing into it']],
    },
    {
      defence: 'a command has no login name of the host’s',
      file: 'native/freebsd/jail_child.cc',
      off: [['if (has_failed(kLoginName, "setlogin", forget_login_name)) return;', '']],
      tests: [['test/freebsd/inherited.test.ts', 'has no login name']],
    },
    {
      defence: 'a command that is launched does not show the arguments of the host program',
      file: 'native/freebsd/jail_child.cc',
      off: [['if (has_failed(kArguments, "sysctl", [self] { return forget_arguments(self != 0 ? self : ::getpid()); })) return;', '']],
      tests: [[`${attacks}/launched-commands.test.ts`, 'shows a build as undefined neither the arguments nor the environment of the host program, ${launches} times']],
    },
    {
      defence: 'everything is killed though a build that is root has switched root off',
      file: 'native/freebsd/launch.cc',
      off: [['      if (*has_root)\n', '      if (*has_root || killing.jail.jid > 0)\n']],
      tests: [['test/freebsd/privileges-off.test.ts', 'security.bsd.suser_enabled=0: everything ends all the same when it is to']],
    },
    {
      defence: 'commands have their groups though a build that is root has switched root off',
      file: 'native/freebsd/jail_child.cc',
      off: [['  if (has_failed(kGroups, "setgroups", [&] { return child.groups->call(); })) return;\n', ''], ['  if (child.steps.has(kUmask)) ::umask(child.umask);\n', '  if (child.steps.has(kUmask)) ::umask(child.umask);\n  if (has_failed(kGroups, "setgroups", [&] { return child.groups->call(); })) return;\n']],
      tests: [['test/freebsd/privileges-off.test.ts', 'security.bsd.suser_enabled=0: later commands run nonetheless, as who they are to be']],
    },
    {
      defence: 'an input of a user whom builds lease is refused',
      file: 'native/freebsd/parts/nullfs.h',
      off: [['return status && !bind_.is_writable && jail()', 'return status && bind_.source.empty() && jail()']],
      tests: [[`${attacks}/changed-inputs.test.ts`, 'that belongs to a user whom builds lease is refused: one could change what is told of it']],
    },
    {
      defence: 'a command enters no jail but its session’s',
      file: 'native/freebsd/jail_child.cc',
      off: [['if (has_failed(kRoot, "lstat", [&] { return confirm_root(child.jail); })) return;', '']],
      tests: [['test/freebsd/removed-jail.test.ts', 'does nothing to the jail that has its number then']],
    },
    {
      defence: 'a lent folder comes back though nobody may change it',
      file: 'native/state/lent_output.cc',
      off: [['if (owners_flags(now) != 0 && set_owners_flags(directory, now, 0) != 0)', 'if (owners_flags(now) == 1 && set_owners_flags(directory, now, 0) != 0)']],
      tests: [[`${attacks}/planted-output.test.ts`, 'flags that let nobody change it (user undefined): close gives back what was lent, without them']],
    },
    {
      defence: 'a command has no descriptor of the host program',
      file: 'native/freebsd/jail_child.cc',
      off: [['if (has_failed(kCloseRange, "close_range", [] { return ::close_range(kFirstNotStdio, ~0U, 0); })) return;', '']],
      tests: [[`${attacks}/held-descriptors.test.ts`, 'without close-on-exec, a directory, a lock and a listening socket among it: nothing of it is open inside']],
    },
    {
      defence: 'a command that is still the host program is not traced',
      file: 'native/freebsd/jail_child.cc',
      off: [['if (has_failed(kTracing, "procctl", forbid_tracing)) return;', '']],
      tests: [[`${attacks}/other-processes.test.ts`, 'and while ${launches} commands are launched beside it, a build as root traces none that is still the host program']],
    },
    {
      defence: 'a command has the declared groups only',
      file: 'native/freebsd/jail_child.cc',
      off: [['if (has_failed(kGroups, "setgroups", [&] { return child.groups->call(); })) return;', '']],
      tests: [[user, 'has the declared ids and exactly the declared groups']],
    },
    {
      defence: 'a command has the declared group id',
      file: 'native/freebsd/jail_child.cc',
      off: [['if (has_failed(kGid, "setresgid", [&] { return leave_group(child.gid); })) return;', '']],
      tests: [[user, 'is 35001 with no group but its own when none is declared']],
    },
    {
      defence: 'a command has the declared user id',
      file: 'native/freebsd/jail_child.cc',
      off: [['if (has_failed(kUid, "setresuid", [&] { return leave_user(child.uid); })) return;', '']],
      tests: [[user, 'is 35001 with no group but its own when none is declared'], [user, 'cannot become root again']],
    },
    {
      defence: 'a command has no new privileges to get',
      file: 'native/freebsd/jail_child.cc',
      off: [['if (has_failed(kNoNewPrivileges, "procctl", forbid_new_privileges)) return;', '']],
      tests: [[user, 'has no new privileges to get from any file, root neither']],
    },
    ...[
      ['what is reserved is refused beyond the limits of memory and swap', 'for (const auto* action : {"deny", kLogged})', 'for (const auto* action : {kLogged})', 'of memory and swap: who reserves more is refused it at once'],
      ['what is resident beyond the limit of memory is killed', 'for (const auto* action : {"sigkill", kLogged})', 'for (const auto* action : {kLogged})', 'of memory: who makes the kernel forget what it has is killed all the same'],
      ['zombies are counted', 'for (const auto* resource : {"maxproc", "nthr"})', 'for (const auto* resource : {"nthr"})', 'of processes: zombies are counted as well'],
      ['threads are counted', 'for (const auto* resource : {"maxproc", "nthr"})', 'for (const auto* resource : {"maxproc"})', 'of processes: threads are counted as well'],
      ['a part of a processor is no more', 'held_.share = std::max', 'if (thousandths == 0) held_.share = std::max', 'of cpus: a part of one is what two processes get together'],
    ].map(([what, on, off, title]) => ({
      defence: `limits: ${what}`,
      file: 'native/freebsd/held_limits.cc',
      off: [[on, off]],
      tests: [['test/freebsd/limits.test.ts', title]],
    })),
    {
      defence: 'limits: a session has as many processors as it may use',
      file: 'native/freebsd/envelope.cc',
      off: [['if (limits_.processors > 0)', 'if (limits_.processors > 1000)']],
      tests: [['test/freebsd/limits.test.ts', 'of cpus: whole ones are all that is seen inside, and root of the session gets no more']],
    },
    {
      defence: 'limits: the memory of the host program is not a command’s',
      file: 'native/freebsd/envelope.cc',
      off: [['plan_->limits.memory ? kMoreLaunches : 0', '0 * kMoreLaunches']],
      tests: [['test/freebsd/limits.test.ts', 'of memory: a host program that has more than that itself hardly ever gets a command killed, though commands begin as it']],
    },
    {
      defence: 'limits: rules go with their session',
      file: 'native/freebsd/parts/rules.h',
      off: [['return remove_rules(jail_); }', 'return {}; }']],
      tests: [['test/freebsd/limits.test.ts', 'are rules on its jail from before the first command on, and none is left when it is closed']],
    },
    {
      defence: 'limits: a journal takes away no rules but its own session’s',
      file: 'native/freebsd/recovery.cc',
      off: [['if (fact.value.empty() || fact.value !=', 'if (fact.value == "none" && fact.value !=']],
      tests: [['test/freebsd/limits.test.ts', 'that a journal tells of for a jail that is not its session’s (“bj-other”) are not taken away']],
    },
    {
      defence: 'a file system in memory that a spec names has as many files as it says',
      file: 'native/freebsd/parts/tmpfs.h',
      off: [['empty_tmpfs(path(), std::max(files_ + 1, kFewest))', 'empty_tmpfs(path(), 100000)']],
      tests: [['test/session/tmpfs.test.ts', 'takes so many bytes and files, and no more (user root)']],
    },
    {
      defence: '/tmp has as many files as it says',
      file: 'native/freebsd/parts/tmpfs.h',
      off: [['empty_tmpfs(path(), std::max(files_ + 1, kFewest))', 'empty_tmpfs(path(), 100000)']],
      tests: [['test/freebsd/limits.test.ts', '/tmp takes as many files as it says, and no more']],
    },
    {
      defence: 'a tmpfs holds no extended attributes',
      file: 'native/freebsd/mounts.cc',
      off: [['if (::getosreldate() >= kKeepsAttributes) options', 'if (::getosreldate() < kKeepsAttributes) options']],
      tests: [['test/freebsd/limits.test.ts', '/tmp holds no extended attributes beside its size']],
    },
    {
      defence: 'shared memory of large pages goes with its session',
      file: 'native/freebsd/parts/root.h',
      off: [['remove_shared_memory(path());', 'if (jail().is_known()) remove_shared_memory(path());']],
      tests: [['test/session/attacks/shared-memory.test.ts', 'are a session’s own (user undefined), and gone with it']],
    },
    {
      defence: 'that a limit was met is not forged',
      file: 'native/freebsd/limits_log.cc',
      off: [['if (is_at_line) lines', 'if (is_at_line || at > 0) lines']],
      tests: [['test/freebsd/limits.test.ts', 'of memory: no other build makes it look as if one was met, by a name that the kernel tells of']],
    },
    {
      defence: 'a command is not protected when memory runs out',
      file: 'native/freebsd/jail_child.cc',
      off: [['if (has_failed(kProtection, "procctl", forbid_protection)) return;', '']],
      tests: [['test/freebsd/limits.test.ts', 'a command is ended before a host program that is protected when memory runs out, though that protects its children']],
    },
    {
      defence: 'a network of the jail’s own, where a loopback is asked for',
      file: 'native/freebsd/parts/jail_part.h',
      off: [['return plan.network.is_host() ? JailConfig::Network::kHost : JailConfig::Network::kOwn;', 'return JailConfig::Network::kHost;']],
      tests: [['test/freebsd/own-network.test.ts', 'is all that its jail has of a network, as the kernel says']],
    },
    {
      defence: 'networks that are being taken away are few',
      file: 'native/freebsd/dying_networks.cc',
      off: [['if (names_.size() < kMany) return;\n      forget_dead();', 'return;\n      forget_dead();']],
      tests: [['test/freebsd/own-network.test.ts', 'is not given to a session while the kernel still takes 32 away, for as long as one can wait']],
    },
    ...[
      ['no System V memory', 'options.add_int(kind, JAIL_SYS_DISABLE);', 'options.add_int(kind, JAIL_SYS_NEW);'],
      ['no permission of the kernel’s', 'for (const std::string& refusal : abilities.refusals) options.add_flag(refusal);', ''],
      ['no jail inside', 'options.add_int("children.max", 0);', 'options.add_int("children.max", 5);'],
      ['no file system but the root is seen', 'options.add_int("enforce_statfs", 2);', 'options.add_int("enforce_statfs", 0);'],
      ['no network', 'network == JailConfig::Network::kHost ? JAIL_SYS_INHERIT : JAIL_SYS_DISABLE;', 'network == JailConfig::Network::kHost ? JAIL_SYS_INHERIT : JAIL_SYS_INHERIT;'],
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
      defence: 'what is kept has no set-id bits',
      file: 'native/state/kept_tree.cc',
      off: [['kPermissions = S_IRWXU | S_IRWXG | S_IRWXO | S_ISVTX;', 'kPermissions = S_IRWXU | S_IRWXG | S_IRWXO | S_ISVTX | S_ISUID | S_ISGID;']],
      tests: [[keeping, 'has its modes but no set-id bits, and belongs to the owner of the folder']],
    },
    {
      defence: 'what is kept belongs to the owner of the folder',
      file: 'native/state/kept_tree.cc',
      off: [['if (::fchown(fd, kept_.uid, kept_.gid) != 0)', 'if (kept_.uid == 1 && ::fchown(fd, kept_.uid, kept_.gid) != 0)']],
      tests: [[keeping, 'has its modes but no set-id bits, and belongs to the owner of the folder']],
    },
    {
      defence: 'no link is followed in what a build has left',
      file: 'native/state/tree_walk.cc',
      off: [['::openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC)', '::openat(directory, name, O_PATH | O_CLOEXEC)']],
      tests: [[keeping, 'is kept where the spec says so, and the error tells where']],
    },
    {
      defence: 'mount points of a killed session go',
      file: 'native/state/mount_point.cc',
      off: [['status = remove(way.empty() ? folder : way.back().get(), point);', 'if (point.dev == 1) status = remove(folder, point);']],
      tests: [['test/session/nested-mounts.test.ts', 'goes after its host program was killed, and what the build put there stays']],
    },
    {
      defence: 'a command that writes too much is killed',
      file: 'native/launch/output_budget.h',
      off: [['    exceeded_();', '    if (left > most_) exceeded_();']],
      tests: [[limits, 'up to the limit is none too much']],
    },
    {
      defence: 'what this program reads of a command counts, too',
      file: 'src/command/output-meter.ts',
      off: [['binding().spendOutput(this.#job, bytes)', 'binding().spendOutput(0, bytes)']],
      tests: [[limits, 'of a spawned one is counted where it is read']],
    },
    {
      defence: 'a session that comes to its wallTime is killed',
      file: 'src/session/limit-watch.ts',
      off: [['if (limits.wallTime !== undefined) this.#wall', 'if (limits.wallTime === 0) this.#wall']],
      tests: [['test/unit/limits.test.ts', 'holds for a build']],
    },
    {
      defence: 'nothing starts in a session that came to a limit of time',
      file: 'src/session/limit-watch.ts',
      off: [['if (this.#ended !== undefined) throw', 'if (this.#ended === undefined && job < 0) throw']],
      tests: [['test/unit/limits.test.ts', 'is killed with all that runs, says so of each command, and starts nothing any more']],
    },
    {
      defence: 'a terminal is not handed in',
      file: 'native/launch/terminal_relays.cc',
      off: [['::isatty(static_cast<int>(i)) == 1;', '::isatty(static_cast<int>(i)) == 2;']],
      tests: [[`${attacks}/terminal.test.ts`, 'is not what a build as undefined changes, which has all three descriptors'], [`${attacks}/terminal.test.ts`, 'is not read from by a build as undefined that has it as stdout, nor is its echo turned off']],
    },
    {
      defence: 'a terminal that nobody types into is not read from',
      file: 'native/launch/terminal_relays.cc',
      off: [['  CommandTerminal terminal;', '  CommandTerminal terminal{.is_typed_into = true};']],
      tests: [[`${attacks}/terminal.test.ts`, 'is not read from by a build as undefined that has it as stdout, nor is its echo turned off']],
    },
    {
      defence: 'the caller’s terminal has its mode back',
      file: 'native/launch/host_terminal.cc',
      off: [['if (now && is_same(*now, *ours_))', 'if (now && !is_same(*now, *ours_))']],
      tests: [['test/session/terminal.test.ts', 'finds it as it was as soon as the command is over, while the host program goes on']],
    },
    {
      defence: 'the caller’s terminal has its mode back before a signal ends the program',
      file: 'native/launch/terminal_relays.cc',
      off: [['if (known) known->give_back();', '']],
      tests: [['test/session/terminal.test.ts', 'finds it as it was when SIGHUP ended buildjail or a host program']],
    },
    {
      defence: 'leases are the host’s and not of a state directory',
      file: 'native/envelope/output.cc',
      off: [[': lessee_(lessee), bind_(bind), lease_(lease_of(lessee.host_directory,', ': lessee_(lessee), bind_(bind), lease_(lease_of(lessee.session.state_directory,']],
      tests: [[twice, 'is refused to a program that keeps its sessions elsewhere, and comes back to its owner, whichever ends first']],
    },
    {
      defence: 'no output lies inside or around a source of another session',
      file: 'native/state/session_sources.cc',
      off: [['if (!name.starts_with(kPrefix) || file == file_) continue;', 'continue;']],
      tests: [
        [nested, 'an output inside or around that of a live session is refused in one sentence, until that is closed'],
        [nested, 'an output inside or around an input of a live session is refused, whichever is there first'],
        [`${attacks}/leaving-upwards.test.ts`, 'out of an input, by another session: does not get to the host by ..'],
      ],
    },
    {
      defence: 'no output has something of the host mounted in it',
      file: 'native/envelope/noted_sources.h',
      off: [['if (auto status = refuse_mounts_in_outputs(added_); !status) return status;', '']],
      tests: [
        [mountsInOutputs, 'is not taken away by a build: such an output is refused'],
        [mountsInOutputs, 'is not taken away by a build: such a store is refused'],
        [mountsInOutputs, 'is not taken away by a build in a session of a pool'],
      ],
    },
    {
      defence: 'the leases of sessions are shown to none',
      file: 'native/state/session_sources.cc',
      off: [['if (auto status = refuse_leases(added); !status) return status;', '']],
      tests: [[nested, 'the leases of all sessions are no source, wherever the state directory is']],
    },
    {
      defence: 'a state directory that others can exchange is refused',
      file: 'native/state/surroundings.cc',
      off: [['if (is_changeable) return exposed', 'if (is_changeable && path.empty()) return exposed']],
      tests: [[nested, 'is refused below a folder that others may write to, but for one that is sticky']],
    },
    {
      defence: 'a log is not opened through a link at its end',
      file: 'native/launch/host_file.cc',
      off: [[' | O_NOFOLLOW', '']],
      tests: [[`${attacks}/log-file.test.ts`, 'is not behind a link at all where it is written to']],
    },
    {
      defence: 'what a spawned command left behind writes no more than it may',
      file: 'src/command/build-process.ts',
      off: [['const isTooMuch = meter.isOver && this.#isOver', 'const isTooMuch = meter.isOver && !this.#isOver && this.#isOver']],
      tests: [[limits, 'of a spawned one ends for what it left behind as well, which is told']],
    },
    {
      defence: 'what a command left behind is not read for nothing',
      file: 'native/launch/flow.cc',
      off: [['if (left_ && end_ == 0) return end();', '']],
      tests: [[limits, 'to a file: what its command left behind is told that nobody reads it any more']],
    },
    {
      defence: 'a command’s /dev/null is its session’s own',
      file: 'native/launch/stdio_ends.cc',
      off: [
        [
          'const StdioKind kind = stdio.at(i).kind;\n    if (child.at(i) || is_terminal.at(i) || (kind != StdioKind::kFile && kind',
          'const StdioKind kind = stdio.at(i).kind;\n    if (kind == StdioKind::kIgnore)\n      child.at(i) = UniqueFd(::open("/dev/null", O_RDWR | O_CLOEXEC));\n    if (child.at(i) || is_terminal.at(i) || (kind != StdioKind::kFile && kind',
        ],
      ],
      tests: [[standardDescriptors, 'as root changes its session’s own, and not the host’s']],
    },
    {
      defence: 'the host program’s /dev/null is not inherited',
      file: 'native/launch/host_file.cc',
      off: [['if (is_null(found)) return Given::kOwnNull;', 'if (is_null(found)) return Given::kItself;']],
      tests: [[standardDescriptors, 'as root does not come to the host’s by one that the host program has, either']],
    },
    {
      defence: 'a command has a pipe in the place of a file of the host',
      file: 'native/launch/host_file.cc',
      off: [['if (!file.is_shared) return Given::kPipe;', 'if (!file.is_shared) return Given::kItself;']],
      tests: [
        [standardDescriptors, 'as undefined neither reads nor changes the log that its output goes to'],
        [standardDescriptors, 'as root does not change the file that its stdin comes from'],
      ],
    },
    {
      defence: 'and in the place of one that the host program has',
      file: 'native/launch/host_file.cc',
      off: [['if (S_ISREG(found.st_mode) || S_ISBLK(found.st_mode)) return Given::kPipe;', 'if (S_ISREG(found.st_mode)) return Given::kItself;']],
      tests: [[standardDescriptors, 'as undefined does neither where the host program itself was started with those files']],
    },
    {
      defence: 'no file is opened for a command by way of an output',
      file: 'src/command/host-file.ts',
      off: [['if (outputs.size === 0) return', 'if (outputs.size >= 0) return']],
      tests: [[`${attacks}/log-file.test.ts`, 'is not in a folder of the host that a link of the build leads to, by whatever way that is come by']],
    },
    {
      defence: 'a line of progress hands no order of a build to a terminal',
      file: 'src/cli/progress-line.ts',
      off: [[String.raw`line.replaceAll(/\p{C}/gu, '').trim()`, 'line.trim()']],
      tests: [['test/unit/cli-progress.test.ts', 'what a build writes gives no order to the terminal of a person who sees its last line']],
    },
    {
      defence: 'a copy that is kept has no set-id bits',
      file: 'native/state/kept_tree.cc',
      off: [['constexpr mode_t kPermissions = S_IRWXU | S_IRWXG | S_IRWXO | S_ISVTX;', 'constexpr mode_t kPermissions = 07777;']],
      tests: [['test/session/keeping.test.ts', 'has its modes but no set-id bits, and belongs to the owner of the folder']],
    },
    {
      defence: 'a copy that is kept takes no more room than the original',
      file: 'native/state/kept_tree.cc',
      off: [['if (file.links <= 1) return copy_content', 'if (file.links > 0) return copy_content']],
      tests: [['test/session/keeping.test.ts', 'takes no more room than it had: holes stay holes, and one file by many names is one file']],
    },
    {
      defence: 'no hole is written to a copy that is kept',
      file: 'native/state/kept_tree.cc',
      off: [['::lseek(from, data, SEEK_HOLE)', '::lseek(from, 0, SEEK_END)']],
      tests: [[keeping, 'takes no more room than it had, however small its holes are']],
    },
    {
      defence: 'one file of a build does not keep its others from being kept',
      file: 'native/state/kept_tree.cc',
      off: [['if (status || !is_of_the_build(status.error())) return status;', 'if (status || is_of_the_build(status.error())) return status;']],
      tests: [[keeping, 'is kept but for what the file system of the folder cannot have: %s']],
    },
    {
      defence: 'a copy that is kept is given away after the last file system of its session',
      file: 'native/envelope/keep.cc',
      off: [['if (status) continue;', 'if (status) status = copy->give_away();\n    if (status) continue;']],
      tests: [[keeping, 'is kept of each file system in memory in a folder of another user, who gets all of it']],
    },
    {
      defence: 'nothing is kept in another folder than the planned one',
      file: 'native/envelope/keep.cc',
      off: [['if (now.st_ino != place.ino ||', 'if (place.id.empty() && now.st_ino != place.ino ||']],
      tests: [[`${attacks}/exchanged-keep.test.ts`, 'is not the one of the plan, and gets nothing: %s']],
    },
    {
      defence: 'nothing is kept through a link',
      file: 'native/envelope/keep.cc',
      off: [['place.missing.c_str(), kHoldFolder)', 'place.missing.c_str(), kHoldFolder & ~O_NOFOLLOW)']],
      tests: [[`${attacks}/exchanged-keep.test.ts`, 'was missing, and a link is in its place: nothing is made where that leads']],
    },
    {
      defence: 'a folder is written to by one live session',
      file: 'native/state/locked_file.cc',
      off: [
        ['if (::flock(fd.get(), kind | LOCK_NB) == 0) return fd;', 'if (fd.get() >= 0 || kind < 0) return fd;'],
        ['flags | (kind == LOCK_EX ? O_EXLOCK : O_SHLOCK)', 'kind < 0 ? 0 : flags'],
      ],
      tests: [
        [`${attacks}/writing-twice.test.ts`, 'is refused as the output of another, by whatever name, until the first is closed'],
        [`${attacks}/writing-twice.test.ts`, 'is refused to another process as well, until the first is closed or dead'],
      ],
    },
  ],
}
