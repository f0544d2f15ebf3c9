// What comes back in an output, on either system.

export const handedBackTests = 'test/session/attacks/handed-back.test.ts'
export const everythingBack = [[handedBackTests, 'belongs to the owner of the folder, without set-id bits, flags, attributes and lists (user undefined)']]

export const lentFolder = (tests) => [
  {
    defence: 'a lent folder comes back with its owner',
    off: { 'lent-folder-comes-back': 'skip' },
    tests,
  },
  {
    defence: 'a lent folder comes back with its mode',
    off: { 'lent-folder-comes-back-2': 'skip' },
    tests,
  },
]

export const handedBack = [
  {
    defence: 'what a build made comes back to the owner of the folder',
    off: { 'build-made-comes-back': 'never' },
    tests: everythingBack,
  },
  {
    defence: 'what a build made comes back though it lies among files of others',
    off: { 'build-made-comes-back-2': 'always' },
    tests: [[handedBackTests, 'belongs to the owner of the folder wherever it lies among the files of somebody else, which stay as they were']],
  },
  {
    defence: 'set-id bits of a build are taken away',
    off: { 'set-id-bits-build': { without: 'kSetId' } },
    tests: everythingBack,
  },
  {
    defence: 'marks that a build put on files are taken away',
    off: { 'marks-build-put-files': 'skip' },
    tests: everythingBack,
  },
  {
    defence: 'marks that a build put on the folder are taken away',
    off: { 'marks-build-put-folder': 'skip' },
    tests: [...everythingBack, [handedBackTests, 'has of the folder what was on it before, and nothing else']],
  },
  {
    defence: 'an output is shut to others of the host while it is lent',
    off: { 'output-shut-others-host': 'skip' },
    tests: [[handedBackTests, 'is shut to others of the host until it has come back']],
  },
  {
    defence: 'an output is shut to others of the host before it is looked through',
    off: { 'output-shut-before-walk': 'skip' },
    tests: [[handedBackTests, 'comes back all the same when the host program is killed in the middle of it (its watcher lives: %s)']],
  },
  {
    defence: 'an output that others of the host could move folders in is looked through until nothing is found',
    off: { 'folder-moved-late-is-found': { value: '1' } },
    tests: [[handedBackTests, 'comes back though a folder moves late, out of what has not been looked through into what has']],
  },
  {
    defence: 'nothing is moved out of a folder that others may write to before the last file is back',
    off: { 'folder-held-until-all-back': { value: 'false' } },
    tests: [[handedBackTests, 'comes back with its modes though users of the host stand in its folders, and move others there all the time']],
  },
]
