// The same code on both systems, judged on each.

const attacks = 'test/session/attacks'
const standardDescriptors = `${attacks}/standard-descriptors.test.ts`
const limits = 'test/session/limits.test.ts'
const ending = 'test/session/ending.test.ts'
const here = 'test/session/here.test.ts'
const keeping = 'test/session/keeping.test.ts'
const copied = 'test/session/copied-inputs.test.ts'
const nested = `${attacks}/nested-folders.test.ts`
const mountsInOutputs = `${attacks}/mounts-in-outputs.test.ts`
const planted = `${attacks}/planted-journal.test.ts`
const twice = `${attacks}/writing-twice.test.ts`

const hostile = [`${attacks}/hostile-values.test.ts`, 'are refused by every function of the addon: nothing crashes, and nothing is left']

export const both = [
  {
    defence: 'no other user may exchange what is kept, whatever the umask is',
    off: { 'keep-folder-others-write': { swap: { '0755': '0777' } } },
    tests: [[`${attacks}/any-umask.test.ts`, 'is not for other users to change, and its root is there for the build, under umask %i']],
  },
  {
    defence: 'a number of JavaScript is a whole one, in its own range',
    off: { 'number-whole-own-range': 'never' },
    tests: [hostile],
  },
  {
    defence: 'a text of JavaScript ends where the kernel reads to',
    off: { 'text-ends-where-kernel': 'never' },
    tests: [hostile],
  },
  {
    defence: 'what a job is begun with is a plan or an envelope, whatever it looks like',
    off: { 'subject-job-plan-envelope': 'never' },
    tests: [hostile],
  },
  {
    defence: 'a recovery believes what a lease says too',
    off: { 'recovery-believes-leases': { value: 'OutputLease::Word::kSame' } },
    tests: [[planted, 'hands over nothing that no session had leased: no owner, no mode']],
  },
  {
    defence: 'a recovery has one directory of leases',
    off: { 'recovery-own-leases': 'never' },
    tests: [[planted, 'makes no folder a directory of leases, in which a recovery removes what no session has']],
  },
  {
    defence: 'a recovery leaves the list of another session’s sources',
    off: { 'recovery-own-list': 'always' },
    tests: [[planted, 'takes from a live session, whose id it has, no place in the list of sources']],
  },
  {
    defence: 'another session writes only to what is excluded from an input',
    off: { 'covered-alone-is-not-shown': 'never' },
    tests: [[`${attacks}/nested-folders.test.ts`, 'an output inside or around an input of a live session is refused, whichever is there first']],
  },
  {
    defence: 'what is kept has no set-id bits',
    off: { 'kept-no-set-id': { value: '07777' } },
    tests: [[keeping, 'has its modes but no set-id bits, and belongs to the owner of the folder']],
  },
  {
    defence: 'outputs do not grow beyond their limit, but for what is written between two looks',
    off: { 'outputs-grow-no-further': 'never' },
    tests: [['test/session/limits.test.ts', 'outputSize ends what writes more to its outputs; then nothing starts']],
  },
  {
    defence: 'what is kept belongs to the owner of the folder',
    off: { 'kept-belongs-owner-folder': 'skip' },
    tests: [[keeping, 'has its modes but no set-id bits, and belongs to the owner of the folder']],
  },
  {
    defence: 'no link is followed in what a build has left',
    off: { 'no-link-followed-build': { without: 'O_NOFOLLOW' } },
    tests: [[keeping, 'is kept where the spec says so, and the error tells where']],
  },
  {
    defence: 'mount points of a killed session go',
    off: { 'mount-points-killed-session': 'skip' },
    tests: [['test/session/nested-mounts.test.ts', 'goes after its host program was killed, and what the build put there stays']],
  },
  {
    defence: 'a command that writes too much is killed',
    off: { 'command-writes-too-much': 'skip' },
    tests: [[limits, 'up to the limit is none too much']],
  },
  {
    defence: 'what this program reads of a command counts, too',
    off: { 'this-program-reads-command': { value: 'chunk.length' } },
    tests: [[limits, 'of a spawned one is counted where it is read']],
  },
  {
    defence: 'a session that comes to its wallTime is killed',
    off: { 'session-comes-walltime-killed': 'skip' },
    tests: [['test/unit/limits.test.ts', 'holds for a build']],
  },
  {
    defence: 'nothing starts in a session that came to a limit of time',
    off: { 'nothing-starts-session-came': 'skip' },
    tests: [['test/unit/limits.test.ts', 'is killed with all that runs, says so of each command, and starts nothing any more']],
  },
  {
    defence: 'a command that has only just begun is killed with the others',
    off: { 'killed-also-on-its-way': { value: 'true' } },
    tests: [[ending, 'not a command that was only just begun, which a thread launches, after killAll']],
  },
  {
    defence: 'nothing is spawned beside a look at the changes',
    off: { 'nothing-spawned-beside-changes': 'never' },
    tests: [[here, 'is looked at beside no command: one that is spawned meanwhile is refused, and one that is run waits for each look']],
  },
  {
    defence: 'a terminal is not handed in',
    off: { 'terminal-not-handed': 'never' },
    tests: [[`${attacks}/terminal.test.ts`, 'is not what a build as undefined changes, which has all three descriptors'], [`${attacks}/terminal.test.ts`, 'is not read from by a build as undefined that has it as stdout, nor is its echo turned off']],
  },
  {
    defence: 'a terminal that nobody types into is not read from',
    off: { 'terminal-nobody-types-into': { value: '{.is_typed_into = true}' } },
    tests: [[`${attacks}/terminal.test.ts`, 'is not read from by a build as undefined that has it as stdout, nor is its echo turned off']],
  },
  {
    defence: 'the caller’s terminal has its mode back',
    off: { 'caller-terminal-mode-back': 'skip' },
    tests: [['test/session/terminal.test.ts', 'finds it as it was as soon as the command is over, while the host program goes on']],
  },
  {
    defence: 'the caller’s terminal has its mode back before a signal ends the program',
    off: { 'caller-terminal-mode-back-2': 'skip' },
    tests: [['test/session/terminal.test.ts', 'finds it as it was when SIGHUP ended buildjail or a host program']],
  },
  {
    defence: 'leases are the host’s and not of a state directory',
    off: { 'leases-host-not-state': { swap: { 'lessee.host_directory': 'lessee.session.state_directory' } } },
    tests: [[twice, 'is refused to a program that keeps its sessions elsewhere, and comes back to its owner, whichever ends first']],
  },
  {
    defence: 'no output lies inside or around a source of another session',
    off: { 'no-output-lies-inside': 'always' },
    tests: [
      [nested, 'an output inside or around that of a live session is refused in one sentence, until that is closed'],
      [nested, 'an output inside or around an input of a live session is refused, whichever is there first'],
      [`${attacks}/leaving-upwards.test.ts`, 'out of an input, by another session: does not get to the host by ..'],
    ],
  },
  {
    defence: 'no output has something of the host mounted in it',
    off: { 'no-output-something-host': 'skip' },
    tests: [
      [mountsInOutputs, 'is not taken away by a build: such an output is refused'],
      [mountsInOutputs, 'is not taken away by a build: such a store is refused'],
      [mountsInOutputs, 'is not taken away by a build in a session of a pool'],
    ],
  },
  {
    defence: 'the leases of sessions are shown to none',
    off: { 'leases-sessions-shown-none': 'skip' },
    tests: [[nested, 'the leases of all sessions are no source, wherever the state directory is']],
  },
  {
    defence: 'a state directory that others can exchange is refused',
    off: { 'state-directory-others-can': 'skip' },
    tests: [[nested, 'is refused below a folder that others may write to, but for one that is sticky']],
  },
  {
    defence: 'a log is not opened through a link at its end',
    off: { 'log-not-opened-through': { without: 'O_NOFOLLOW' } },
    tests: [[`${attacks}/log-file.test.ts`, 'is not behind a link at all where it is written to']],
  },
  {
    defence: 'what a spawned command left behind writes no more than it may',
    off: { 'spawned-command-left-behind': 'never' },
    tests: [[limits, 'of a spawned one ends for what it left behind as well, which is told']],
  },
  {
    defence: 'what a command left behind is not read for nothing',
    off: { 'command-left-behind-not': 'skip' },
    tests: [[limits, 'to a file: what its command left behind is told that nobody reads it any more']],
  },
  {
    defence: 'a command’s /dev/null is its session’s own',
    off: { 'command-dev-null-session': { first: 'if (kind == StdioKind::kIgnore) child.at(i) = UniqueFd(::open("/dev/null", O_RDWR | O_CLOEXEC));' } },
    tests: [[standardDescriptors, 'as root changes its session’s own, and not the host’s']],
  },
  {
    defence: 'the host program’s /dev/null is not inherited',
    off: { 'host-program-dev-null': { swap: { 'CommandEnd::kOwnNull': 'CommandEnd::kItself' } } },
    tests: [[standardDescriptors, 'as root does not come to the host’s by one that the host program has, either']],
  },
  {
    defence: 'a command has a pipe in the place of a file of the host',
    off: { 'command-pipe-place-file': { swap: { 'CommandEnd::kPipe': 'CommandEnd::kItself' } } },
    tests: [
      [standardDescriptors, 'as undefined neither reads nor changes the log that its output goes to'],
      [standardDescriptors, 'as root does not change the file that its stdin comes from'],
      [standardDescriptors, 'as undefined does neither where the host program itself was started with those files'],
    ],
  },
  {
    defence: 'no file is opened for a command by way of an output',
    off: { 'no-file-opened-command': 'always' },
    tests: [[`${attacks}/log-file.test.ts`, 'is not in a folder of the host that a link of the build leads to, by whatever way that is come by']],
  },
  {
    defence: 'a line of progress hands no order of a build to a terminal',
    off: { 'line-progress-hands-no': { value: '/(?!)/gu' } },
    tests: [['test/unit/cli-progress.test.ts', 'what a build writes gives no order to the terminal of a person who sees its last line']],
  },
  {
    defence: 'a copy that is kept takes no more room than the original',
    off: { 'copy-kept-takes-no': 'always' },
    tests: [['test/session/keeping.test.ts', 'takes no more room than it had: holes stay holes, and one file by many names is one file']],
  },
  {
    defence: 'what is not the owner’s stays as it is in a copy of an input',
    off: { 'copy-others-stay-others': { swap: { 'file.uid == source_.st_uid': 'true' } } },
    tests: [[copied, 'belongs to the build, with its modes and times and no set-id bits; what belongs to others stays theirs']],
  },
  {
    defence: 'a copy of an input has nothing of where links lead that come into its source meanwhile',
    off: { 'walk-enters-no-link': { without: ['O_NOFOLLOW'] } },
    tests: [[copied, 'has nothing of another folder, to which links lead that come into the source while it is copied']],
  },
  {
    defence: 'no hole is written to a copy that is kept',
    off: { 'no-hole-written-copy': { value: '::lseek(from, 0, SEEK_END)' } },
    tests: [[keeping, 'takes no more room than it had, however small its holes are']],
  },
  {
    defence: 'one file of a build does not keep its others from being kept',
    off: { 'one-file-build-does': 'always' },
    tests: [[keeping, 'is kept but for what the file system of the folder cannot have: %s']],
  },
  {
    defence: 'a copy that is kept is given away after the last file system of its session',
    off: { 'copy-kept-given-away': { first: 'if (status) status = copy->give_away();' } },
    tests: [[keeping, 'is kept of each file system in memory in a folder of another user, who gets all of it']],
  },
  {
    defence: 'nothing is kept in another folder than the planned one',
    off: { 'nothing-kept-another-folder': 'skip' },
    tests: [[`${attacks}/exchanged-keep.test.ts`, 'is not the one of the plan, and gets nothing: %s']],
  },
  {
    defence: 'nothing is kept through a link',
    off: { 'nothing-kept-through-link': { swap: { kHoldFolder: 'kHoldFolder & ~O_NOFOLLOW' } } },
    tests: [[`${attacks}/exchanged-keep.test.ts`, 'was missing, and a link is in its place: nothing is made where that leads']],
  },
  {
    defence: 'a folder is written to by one live session',
    off: { 'folder-written-one-live': 'always', 'folder-written-one-live-2': { without: 'O_EXLOCK' } },
    tests: [
      [`${attacks}/writing-twice.test.ts`, 'is refused as the output of another, by whatever name, until the first is closed'],
      [`${attacks}/writing-twice.test.ts`, 'is refused to another process as well, until the first is closed or dead'],
    ],
  },
]
