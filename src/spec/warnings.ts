import { bare } from './plain-data.ts'
import type { Mount, Plan, Warning } from './plan-types.ts'
import { whoseIs, whyCopied } from './source-mount.ts'

/** inode(7), S_ISGID. */
const setGid = 0o2000

type Whose = Pick<Plan, 'platform' | 'user'>

/** What the system does not let a session keep from its build, and what it does another way. */
export function warningsOf(whose: Whose, mounts: readonly Mount[]): Warning[] {
  return whose.platform === 'freebsd' ? [...rootWarnings(whose), ...inputWarnings(whose, mounts)] : [...outputWarnings(mounts), ...copyWarnings(mounts)]
}

/** Of each copy that would be an overlay if this host could have one. */
export function copyWarnings(mounts: readonly Mount[]): Warning[] {
  return mounts.flatMap((mount) => {
    const reason = whyCopied(mount)
    return reason === undefined ? [] : [bare({ entry: mount.entry, problem: `${reason}; each session copies the folder into memory instead` })]
  })
}

// native/envelope/output.cc shuts every other one.
function outputWarnings(mounts: readonly Mount[]): Warning[] {
  const caller = process.geteuid?.()
  if (caller === 0) return []
  return mounts.flatMap((mount) => {
    const { entry, source = '' } = mount
    const reason = mount.writable ? keptOpenBy(mount, caller) : undefined
    return reason === undefined ? [] : [bare({ entry, problem: `${source} ${reason}` })]
  })
}

// native/state/lent_output.cc (may_shut) decides.
function keptOpenBy(mount: Mount, caller: number | undefined): string | undefined {
  const whose = whoseIs(mount)
  if (whose === undefined) return undefined
  const open = 'stays open to those whom its mode lets in'
  if (whose.uid !== caller) return `belongs to another user, and ${open}, because without root nobody but its owner can shut it`
  if ((whose.mode & setGid) === 0 || [process.getegid?.(), ...(process.getgroups?.() ?? [])].includes(whose.gid)) return undefined
  return `is set-gid of a group that you are not in, and ${open}, because you cannot give it that bit back`
}

function rootWarnings({ user }: Whose): Warning[] {
  if (user.uid !== 0) return []
  const devices = 'it can revoke /dev/null, /dev/zero and /dev/random for the whole host (revoke(2))'
  const inputs = 'it can change ACLs and extended attributes of its inputs'
  return [bare({ entry: 'user', problem: `FreeBSD lets a build that is root do two things to the host: ${devices}, and ${inputs}` })]
}

// Where a user is leased, opening refuses such an input (native/freebsd/parts/sources).
function inputWarnings({ user }: Whose, mounts: readonly Mount[]): Warning[] {
  if (user.uid === undefined || user.uid === 0) return []
  const problem = 'belongs to the user of the build, who can change its ACL and extended attributes although it is read-only'
  const own = mounts.filter((mount) => !mount.writable && whoseIs(mount)?.uid === user.uid)
  return own.map(({ entry, source = '' }) => bare({ entry, problem: `${source} ${problem}` }))
}
