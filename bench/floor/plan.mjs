// A plan in the words of the floor program (plan.c): a line with the session, then one an act, in the order in which buildjail does them.
/**
 * `command` is an absolute path inside; `root` (FreeBSD) is of the host.
 * @param {import('../../src/spec/plan.ts').Plan} plan
 */
export function floorPlanText(plan, { command, root = '-', refusals = [] }) {
  const { leased, uid = leased.first, gid } = plan.user
  const binds = plan.mounts.filter(({ source }) => source !== undefined)
  const lines = [
    [uid, gid, plan.hostname, plan.cwd, command, root, devfsRuleset],
    ...refusals.map((name) => ['refuse', name, '-', '-']),
    ...plan.directories.flatMap((directory) => directoryLines(directory, plan)),
    ...plan.links.map(({ path, target }) => ['symlink', path, target, '-']),
    // Empty ones: what is in them is not what takes the time.
    ...plan.files.map(({ path }) => ['placeholder', path, '-', '-']),
    ...binds.filter(({ kind }) => kind === 'file').map(({ target }) => ['placeholder', target, '-', '-']),
    ...binds.map(({ kind, target, source, writable }) => [kind === 'file' ? 'bind-file' : 'bind', target, source, writable ? 'rw' : 'ro']),
  ]
  return lines.map((words) => `${words.join('\t')}\n`).join('')
}

function directoryLines(directory, { mounts, platform }) {
  const own = mounts.find(({ target, source }) => target === directory && source === undefined)
  const made = ['directory', directory, '-', own?.kind === 'tmpfs' ? '1777' : '755']
  if (own === undefined) return [made]
  // What is in /dev on Linux is as large as /tmp.
  const { size, files } = mounts.find(({ kind }) => kind === 'tmpfs')
  // Linux counts the root of the file system with them (tmpfs(5), nr_inodes).
  return [made, [own.kind, directory, size, files + (platform === 'linux' ? 1 : 0)]]
}

/** The first that buildjail makes (native/freebsd/devfs): it is there once a session was open. */
const devfsRuleset = 35001

/**
 * How a jail is refused all that it may be, of the kernel's own list of parameters: `allow.nomount` and so on. Being root
 * before giving it up is what stays (native/freebsd/jails).
 */
export function refusalsOf(parameters) {
  const names = parameters.filter(({ type }) => type === 'bool').map(({ name }) => name)
  const allowed = names.filter((name) => name.startsWith('allow.') && name !== 'allow.suser')
  return allowed.map((name) => name.replace(/[^.]+$/, 'no$&'))
}
