import { bare } from './plain-data.ts'
import { host, type FileStatus } from './look.ts'
import { identityOf } from './source.ts'
import type { Link, Mount, Plan, PlannedUser } from './plan-types.ts'
import { refusal } from './check.ts'

interface Shown {
  readonly mounts: readonly Mount[]
  readonly links: readonly Link[]
}

/**
 * A folder whose mode keeps the build user out, as mkdtemp(3) makes one and as an output of an earlier step may come back, cannot be an
 * input as it is. What is in it is shown one by one in a directory of the root's own. That changes nothing on the host, and gives the
 * build the folder that was declared, and nothing else that its mode keeps from others.
 * @throws SpecError `ERR_BUILDJAIL_SOURCE_UNFIT` where that cannot be done
 */
export function withoutShutFolders(mounts: readonly Mount[], links: readonly Link[], { user }: Pick<Plan, 'user'>): Shown {
  // The build of an ordinary caller has the caller's rights.
  if (process.geteuid?.() !== 0 || user.uid === 0) return { mounts, links }
  const shown: Mount[] = []
  const found: Folder = { mounts: shown, links: [...links], declared: new Set(mounts.map(({ target }) => target)) }
  for (const mount of mounts) {
    const isInput = mount.kind === 'bind' && !mount.writable && mount.identity !== undefined && mount.source !== undefined
    const stats = isInput ? host().statIfThere(mount.source) : undefined
    if (mount.source === undefined || stats === undefined || isOpenTo(stats, user)) shown.push(mount)
    else openUp({ ...mount, source: mount.source }, stats, user, found)
  }
  return found
}

interface Folder {
  readonly mounts: Mount[]
  readonly links: Link[]
  /** Where the spec has something of its own to be shown. */
  readonly declared: ReadonlySet<string>
}

/** Whether a user can enter a folder. A leased one owns nothing yet. */
function isOpenTo({ mode, uid, gid }: FileStatus, build: PlannedUser): boolean {
  const bits = Number(mode)
  if (Number(uid) === build.uid) return (bits & 0o100) !== 0
  if (Number(gid) === build.gid || build.groups.includes(Number(gid))) return (bits & 0o010) !== 0
  return (bits & 0o001) !== 0
}

/** Each entry is a mount, and a kernel looks through all of them. */
const mostEntries = 500

function openUp(folder: Mount & { readonly source: string }, stats: FileStatus, build: PlannedUser, into: Folder): void {
  const { source, target, entry } = folder
  // Before its entries are read: what is made later is a change to be seen.
  const listed = { kind: 'listed', target, source, identity: identityOf(stats), modified: String(stats.mtimeNs), writable: false, entry } as const
  const shut = `${source} has mode ${(Number(stats.mode) & 0o7777).toString(8)}, which keeps the build user out`
  const unfit = (why: string): Error => refusal('ERR_BUILDJAIL_SOURCE_UNFIT', entry, `${shut}, and ${why}; remedy: chmod 711 '${source}'`, source)
  // Node sorts names, and Bun does not.
  const names = host().readdir(source).toSorted()
  if (into.mounts.length + names.length > mostEntries) throw unfit(`more than ${mostEntries} files are too many to be shown one by one`)
  into.mounts.push(bare<Mount>(listed))
  for (const name of names) {
    const [path, inside] = [`${source}/${name}`, `${target}/${name}`]
    if (into.declared.has(inside)) continue
    const found = host().lstatIfThere(path)
    if (found === undefined) throw unfit(`'${name}' in it has no name in UTF-8, or was removed`)
    const more = { target: inside, source: path, identity: identityOf(found), writable: false, entry }
    if (found.isSymbolicLink()) into.links.push(bare({ path: inside, target: host().readlink(path) }))
    else if (found.isDirectory() && !isOpenTo(found, build)) openUp({ kind: 'bind', ...more }, found, build, into)
    else if (found.isDirectory()) into.mounts.push(bare<Mount>({ kind: 'bind', ...more }))
    // nullfs(5) mounts no file that has other names.
    else if (found.isFile() && found.nlink > 1n && process.platform === 'freebsd') throw unfit(`'${name}' in it has other names`)
    else if (found.isFile()) into.mounts.push(bare<Mount>({ kind: 'file', ...more }))
    // A socket, a FIFO or a device would lead out of the session, and is not shown.
  }
}
