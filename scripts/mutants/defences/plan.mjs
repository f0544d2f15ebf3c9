// Of the plan, the command line and the page: the same on every system, judged on Linux.

const properties = 'test/unit/plan-properties.test.ts'

export const plan = [
  {
    defence: 'a text of a build is no markup',
    off: { 'text-build-no-markup': { value: "'<'" } },
    tests: [['test/unit/page.test.ts', 'but is there as it is, in %s: %s']],
  },
  {
    defence: 'a text of a build leaves no attribute of a page',
    off: { 'text-build-leaves-no': { value: `'"'` } },
    tests: [['test/unit/page.test.ts', 'and not in an attribute either']],
  },
  {
    defence: 'what turns the direction of writing is shown by number',
    off: { 'turns-direction-writing-shown': { without: '\\p{Bidi_Control}' } },
    tests: [['test/unit/page.test.ts', 'by its number: %j']],
  },
  {
    defence: 'a page is not written where a build can have put a link',
    off: { 'page-not-written-build': 'skip' },
    tests: [['test/unit/cli.test.ts', 'is refused where the build writes, by whatever way that is named']],
  },
  {
    defence: 'a page and a record are not written where --apply brings the changes of the build to',
    off: { 'record-not-applied-over': { value: 'undefined' } },
    tests: [['test/unit/cli.test.ts', 'is refused in the project that --apply brings the changes to, as is a record']],
  },
  {
    defence: 'nothing is kept in what the session shows',
    off: { 'nothing-kept-in-shown': 'skip' },
    tests: [['test/unit/plan-refusals.test.ts', 'an overlay, whose copy would be in itself']],
  },
  {
    defence: 'no pattern is taken to fit nothing because a name is not UTF-8',
    off: { 'excluded-not-utf8': 'skip' },
    tests: [['test/unit/plan-excluding.test.ts', 'is refused if a pattern could fit it: %s']],
  },
  {
    defence: 'nothing is shown because a link leads to a name that is not UTF-8',
    off: { 'excluded-link-not-utf8': 'skip' },
    tests: [['test/unit/plan-excluding.test.ts', 'is refused where a link that is to be hidden leads to such a name']],
  },
  {
    defence: 'no secret of a project is shown because its name is not UTF-8',
    off: { 'secret-not-utf8': 'skip' },
    tests: [['test/unit/here.test.ts', 'is refused where the name of a secret is not UTF-8, as what it is decoded to would hide nothing']],
  },
  {
    defence: 'no fifo that an earlier build has left is waited for',
    off: { 'named-file-regular': 'always' },
    tests: [['test/unit/record-file.test.ts', 'that is a fifo is refused at once, whether it has a reader or not']],
  },
  {
    defence: 'a page is not written through a link that an earlier build has left',
    off: { 'page-not-written-through': { without: 'O_NOFOLLOW' } },
    tests: [['test/unit/record-file.test.ts', 'that is a link to %s is refused by its name, and what it leads to stays as it is']],
  },
  {
    defence: 'a name that a build chose steers no terminal',
    off: { 'name-build-chose-steers': { value: 'text' } },
    tests: [['test/unit/cli.test.ts', '%s: what was not kept, or was left in an output']],
  },
  {
    defence: 'a record has no value of a variable that may be a secret',
    off: { 'record-no-value-variable': 'always' },
    tests: [['test/unit/recording.test.ts', 'has no secret of the environment or of /etc']],
  },
  {
    defence: 'no build is root in a network of its own on FreeBSD, where it could name interfaces',
    off: { 'no-root-in-own-network': 'never' },
    tests: [['test/unit/plan-refusals.test.ts', 'on FreeBSD, with a network of the session’s own: %j']],
  },
  {
    defence: 'memory of the host is no device of a session',
    off: { 'memory-host-no-device': 'never' },
    tests: [['test/unit/plan-devices.test.ts', '/dev/memory-by-another-name']],
  },
  {
    defence: 'a terminal of the host is no device of a session',
    off: { 'terminal-host-no-device': 'never' },
    tests: [['test/unit/plan-devices.test.ts', '/dev/terminal-by-another-name'], ['test/unit/plan-devices.test.ts', '/dev/vcs1']],
  },
  {
    defence: 'file systems in memory take half of it at most',
    off: { 'file-systems-memory-take': 'skip' },
    tests: [['test/unit/plan-tmpfs.test.ts', 'are refused where they are more']],
  },
  {
    defence: 'an output lies around no other source',
    off: { 'output-lies-around-no': 'always' },
    tests: [[properties, 'no output is the source of an input, or lies around another source']],
  },
  {
    defence: 'a state directory is no link',
    off: { 'state-directory-no-link': 'skip' },
    tests: [['test/unit/state-directory.test.ts', 'a symbolic link is none, and links before it are followed']],
  },
  {
    defence: 'the root of the host is no source',
    off: { 'root-host-no-source': 'skip' },
    // By its own words: the host holds the state directory as well.
    tests: [['test/unit/plan-refusals.test.ts', 'as it is, and behind a link']],
  },
  {
    defence: 'the state directory is not shown',
    off: { 'state-directory-not-shown': 'skip' },
    tests: [[properties, 'no source is the host, or shows the state directory or lies in it']],
  },
  {
    defence: 'an output that is made is a mount point at its own place only',
    off: { 'output-made-mount-point': 'always' },
    tests: [['test/session/made-outputs.test.ts', 'may lie in an input of the same session, at its own place there']],
  },
  {
    defence: 'a folder is writable once in a session',
    off: { 'folder-writable-once-session': 'skip' },
    tests: [[properties, 'only outputs are writable, and each of them once']],
  },
  {
    defence: 'texts of a spec are written below /etc only',
    off: { 'texts-spec-written-below': 'skip' },
    tests: [['test/unit/etc.test.ts', 'are refused by their name where they are a path elsewhere']],
  },
  {
    defence: 'texts of a spec are bounded',
    off: { 'texts-spec-bounded': 'skip' },
    tests: [['test/unit/etc.test.ts', 'are refused by their name where they are too much text']],
  },
  {
    defence: 'an allowed name is none that getaddrinfo(3) reads as an address',
    off: { 'number-name-refused': 'skip' },
    tests: [['test/unit/allowed-hosts.test.ts', 'is refused: an address of one number']],
  },
  {
    defence: 'no project names an address to connect to, by the configuration of a tool',
    off: { 'project-names-address': 'skip' },
    tests: [['test/unit/presets.test.ts', 'cannot be led by a project to an address']],
  },
  {
    defence: 'the loopback of the host is known as itself, however it is spelled',
    off: { 'host-however-spelled': { value: "host === 'host'" } },
    tests: [['test/unit/presets.test.ts', "cannot be led by a project to the host's loopback in capitals"]],
  },
  {
    defence: 'no configuration of a tool allows a wildcard',
    off: { 'tool-names-no-wildcard': 'skip' },
    tests: [['test/unit/presets.test.ts', 'cannot be led to every name']],
  },
  {
    defence: 'no other user of the host configures a tool from a folder around the project',
    off: { 'configuration-others-not-read': 'skip' },
    tests: [['test/unit/presets.test.ts', 'is not configured in a folder in which everybody can write, nor around it']],
  },
  {
    defence: 'a network of names has a bounded number of entries',
    off: { 'names-network-bounded': 'skip' },
    tests: [['test/unit/spec.test.ts', 'more allowed names than a session has']],
  },
  {
    defence: 'targets are normal paths, without ..',
    off: { 'targets-normal-paths-without': 'skip' },
    tests: [[properties, 'targets are absolute, normal and unique']],
  },
  {
    defence: 'nothing is mounted where there is no mount point',
    off: { 'nothing-mounted-no-mount': 'skip' },
    tests: [[properties, 'what lies below a mount is in our own /tmp, or has a mount point there that no link leads to, or can be made one']],
  },
  {
    defence: 'root is only who asked by name',
    off: { 'root-only-asked-name': 'skip' },
    tests: [[properties, 'root is only who asked by name']],
  },
  {
    defence: 'builds that are verified write where no other user can exchange anything',
    off: { 'scratch-not-exchanged': 'skip' },
    tests: [['test/unit/verify-variations.test.ts', 'is refused where another user can exchange what is in it']],
  },
  {
    defence: 'an input that is copied is no link',
    off: { 'copied-input-no-link': { without: 'O_NOFOLLOW' } },
    tests: [['test/unit/verify-variations.test.ts', 'is refused of what was exchanged since the plan was made']],
  },
  {
    defence: 'an input that is copied is the one that was planned',
    off: { 'copied-input-that-planned': 'skip' },
    tests: [['test/unit/verify-variations.test.ts', 'is refused of what was exchanged since the plan was made']],
  },
  {
    defence: 'a folder of an input that is copied is held',
    off: { 'copied-folder-held': { value: 'fd < 0 ? copy : source' } },
    tests: [['test/unit/verify-variations.test.ts', 'follows no link that another user puts in the place of a folder meanwhile']],
  },
  {
    defence: 'no digest is of a trace that lost calls',
    off: { 'digest-lost-refused': 'never' },
    tests: [['test/unit/inputs-digest.test.ts', 'is refused for %s']],
  },
  {
    defence: 'no digest is of a record that leaves paths out',
    off: { 'digest-left-out': 'never' },
    tests: [['test/unit/inputs-digest.test.ts', 'is refused for %s']],
  },
  {
    defence: 'no digest has a name that is not UTF-8 as missing',
    off: { 'digest-not-utf8': 'never' },
    tests: [['test/unit/inputs-digest.test.ts', 'is refused for %s']],
  },
  {
    defence: 'no digest has what a link leads to as missing because its text is not UTF-8',
    off: { 'digest-link-not-utf8': 'never' },
    tests: [['test/unit/inputs-digest.test.ts', 'is refused for a link whose text is not UTF-8, because its file would be missing for ever']],
  },
  {
    defence: 'no digest is of a run that listed what an earlier run left at the top of its output',
    off: { 'digest-listed-leftovers': 'never' },
    tests: [['test/unit/inputs-digest.test.ts', 'is refused of an output that was listed with something in it that the run has not made']],
  },
  {
    defence: 'no digest is of a run that read what an earlier run left',
    off: { 'digest-leftovers-refused': 'never' },
    tests: [['test/unit/inputs-digest.test.ts', 'is refused for %s']],
  },
  {
    defence: 'no digest is of inputs that changed during the run',
    off: { 'digest-changed-refused': 'never' },
    tests: [['test/unit/inputs-digest.test.ts', 'is refused where a file was %s meanwhile']],
  },
  {
    defence: 'no digest is of another folder in the place of an input',
    off: { 'digest-exchanged-refused': 'never' },
    tests: [['test/unit/inputs-digest.test.ts', 'is refused where another folder is in the place of an input']],
  },
]
