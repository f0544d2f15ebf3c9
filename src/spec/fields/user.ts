import { SpecError } from '../../errors.ts'
import { asking, specText } from '../messages.ts'
import { bare } from '../plain-data.ts'
import type { PlannedUser } from '../plan-types.ts'
import { invalid, readInteger, readList, readRecord } from '../check.ts'
import { type Field } from '../field.ts'
import type { Network } from './network.ts'

export interface WithUser {
  /**
   * The build user. Default: on FreeBSD one of 64 users from 35001 on, with the group 35001, which the session leases; on Linux uid and gid 35001. Sessions
   * that name the same `uid` share it; a leased one belongs to one session. `'root'`: root inside; FreeBSD refuses it in a network of the session's own. On
   * Linux the build sees these numbers. If the caller is root, they stand for leased ids of the host, which have the rights of no user of the host. Otherwise
   * the build has the caller's rights: it can read and write those of the caller's files that the caller can. Only root can give it groups.
   */
  readonly user?: User | 'root'
}

/** The build user: one with a `uid`, root, or one that the session leases. Ids are numbers: a session has no user database of the host. */
export interface User {
  /** Root with ids of `leased`. Without `leased` write `'root'`. */
  readonly root?: true
  /** Needs a `gid` as well. */
  readonly uid?: number
  /** Default, without a `uid`: on FreeBSD the first of `leased`, on Linux 35001. */
  readonly gid?: number
  /** Supplementary groups: exactly these, without those of the caller. Default: no group. On FreeBSD only with a `uid`. */
  readonly groups?: readonly number[]
  /**
   * Ids of the host from which sessions lease theirs; nothing else on the host may use them. No two live sessions have the same. If all are leased, opening
   * fails with EBUSY (step `user-lease`). FreeBSD: a session leases one uid, so one with a `uid` or root leases none. Linux, for root: a session leases 65,536
   * ids that begin at a multiple of 65,536; if no such range fits, 32 that begin at a multiple of 32. Default on Linux: from 600,047,616 on, without ids in
   * /etc/subuid or /etc/subgid except those of the user `buildjail`.
   */
  readonly leased?: IdRange
}

/** Ids of users, and on Linux of groups with the same numbers. */
export interface IdRange {
  readonly first: number
  /** On FreeBSD at most 4096; on Linux at least 32. */
  readonly count: number
}

// uid_t and gid_t are 32 bits wide; the last value is "no id" to chown(2) and setreuid(2).
const lastId = 0xffff_fffe
// The kernel takes 1023 (NGROUPS_MAX), but shows only 16, the group id among them (sys/user.h, KI_NGROUPS). More could not be
// read back, so they are not offered.
const mostGroups = 15
const mostUsers = 4096
const fewestIds = 32
const usual = { uid: 35001, gid: 35001 } as const
const usualUsers: IdRange = Object.freeze({ first: 35001, count: 64 })
const asRoot = { user: 'root' } as const
/** The networks in which a session on FreeBSD has no network of its own. */
const withoutOwn = [{ network: 'none' }, { network: 'host' }] as const

export const user: Field<User | 'root', false> = {
  read: (given, entry) => (given === 'root' ? given : readUser(given, entry)),
  plan: ({ platform, settled }, value = bare<User>({})) => {
    const asked = value === 'root' ? bare<User>({ root: true }) : value
    const { leased } = asked
    if (leased !== undefined && leased.first + leased.count - 1 > lastId) throw invalid('user.leased.count', `goes beyond the last id, ${lastId}`)
    settled.user = platform === 'freebsd' ? onFreebsd(asked, settled.network) : onLinux(asked)
  },
  isAddable: false,
  facts: ({ user: { uid, gid, groups, leased } }) => {
    if (uid === undefined) return leased === undefined ? [] : [['user', `one of ${leased.first} to ${leased.first + leased.count - 1}, group ${gid}`]]
    return [
      ['user', `${uid}:${gid}${uid === 0 ? ' (root)' : ''}`],
      ['groups', groups.length === 0 ? '-' : groups.join(' ')],
      ...(leased === undefined ? [] : [['leased', `of ${leased.count} ids from ${leased.first}`] as const]),
    ]
  },
  flag: {
    name: 'user',
    value: 'USER',
    help: 'run as uid:gid, uid:gid:group,group, or root; @FIRST:COUNT after it, or :gid@FIRST:COUNT, leases ids of the host from that range; default 35001:35001, on FreeBSD :35001@35001:64',
    isRepeatable: false,
    offers: { words: ['root'] },
    read: ([text], option) => {
      const match = /^(?:(root)|(\d+)?:(\d+)(?::(\d+(?:,\d+)*))?)?(?:@(\d+):(\d+))?$/.exec(text)
      const [, root, uid, gid, groups, first, count] = match ?? []
      const isWhole = root !== undefined || uid !== undefined || first !== undefined
      if (!isWhole) throw invalid(option, `'${text}' is not root, uid:gid or uid:gid:group,group in numbers, with or without @first:count`)
      if (root !== undefined && first === undefined) return 'root'
      return {
        ...(root !== undefined && { root: true }),
        ...(uid !== undefined && { uid: Number(uid) }),
        ...(gid !== undefined && { gid: Number(gid) }),
        ...(groups !== undefined && { groups: groups.split(',').map(Number) }),
        ...(first !== undefined && { leased: { first: Number(first), count: Number(count) } }),
      }
    },
  },
  schema: userSchema(),
}

/** A session has the named uid, or leases one. The ids inside are those of the host. */
function onFreebsd({ root, uid, gid, groups, leased }: User, network: Network): PlannedUser {
  // By the name of an interface, root of such a jail has devd(8) execute commands as root of the host (sys/net/if.c, if_rename; PRIV_NET_SETIFNAME).
  // defence: no-root-in-own-network
  if (root === true && !withoutOwn.some((one) => one.network === network)) throw rootInOwnNetwork()
  if (root === true || uid !== undefined) {
    if (leased !== undefined) throw invalid('user.leased', 'has no use on FreeBSD beside a uid or root: the session leases no user then')
    return bare<PlannedUser>({ uid: uid ?? 0, gid: gid ?? 0, groups: Object.freeze([...(groups ?? [])]) })
  }
  if (groups !== undefined) throw invalid('user.groups', 'needs a uid on FreeBSD')
  const range = leased ?? usualUsers
  if (range.count > mostUsers) throw invalid('user.leased.count', `must be at most ${mostUsers} on FreeBSD, where a session leases one user`)
  return bare<PlannedUser>({ gid: gid ?? range.first, groups: Object.freeze([]), leased: range })
}

function rootInOwnNetwork(): Error {
  const why = 'root of a jail may name and make interfaces in its own network, and devd(8) and the kernel of the host trust those names'
  return asking(invalid('user', `cannot be root on FreeBSD with a network of the session's own: ${why}; name another user, or say ${withoutOwn.map(specText).join(' or ')}`), ...withoutOwn)
}

function onLinux({ root, uid, gid, groups, leased }: User): PlannedUser {
  if (leased !== undefined && leased.count < fewestIds) throw invalid('user.leased.count', `must be at least ${fewestIds} on Linux, the ids that a session leases`)
  const own = root === true ? { uid: 0, gid: 0 } : { uid: uid ?? usual.uid, gid: gid ?? usual.gid }
  return bare<PlannedUser>({ ...own, groups: Object.freeze([...(groups ?? [])]), ...(leased !== undefined && { leased }) })
}

function readUser(given: unknown, entry: string): User {
  if (typeof given === 'string') throw invalid(entry, `must be 'root' or { uid, gid, groups } in numbers; a session does not know the users of the host by name, such as '${given}'`)
  const record = readRecord(given, entry)
  for (const key of Object.keys(record)) {
    if (!members.has(key)) throw invalid(`${entry}.${key}`, 'is not a field of a user')
  }
  const leased = record['leased'] === undefined ? undefined : readLeased(record['leased'], `${entry}.leased`)
  if (record['root'] !== undefined) return readRoot(record, leased, entry)
  const isNamed = record['uid'] !== undefined || leased === undefined
  const uid = isNamed ? readInteger(record['uid'], `${entry}.uid`, 0, lastId) : undefined
  const gid = isNamed || record['gid'] !== undefined ? readInteger(record['gid'], `${entry}.gid`, 0, lastId) : undefined
  // defence: root-only-asked-name
  if (uid === 0) throw asking(new SpecError('ERR_BUILDJAIL_ROOT_NOT_NAMED', `${entry}.uid`, `to be root inside, say ${specText(asRoot)}`), asRoot)
  const groups = record['groups'] === undefined ? undefined : readGroups(readList(record['groups'], `${entry}.groups`, 'a list of group ids'), `${entry}.groups`)
  return bare<User>({
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
    ...(groups !== undefined && { groups }),
    ...(leased !== undefined && { leased }),
  })
}

const members: ReadonlySet<string> = new Set(['root', 'uid', 'gid', 'groups', 'leased'])

function readRoot(record: Readonly<Record<string, unknown>>, leased: IdRange | undefined, entry: string): User {
  if (record['root'] !== true) throw invalid(`${entry}.root`, 'must be true')
  for (const key of ['uid', 'gid', 'groups']) {
    if (record[key] !== undefined) throw invalid(`${entry}.${key}`, 'cannot stand beside root')
  }
  return bare<User>({ root: true, ...(leased !== undefined && { leased }) })
}

function readGroups(given: readonly unknown[], entry: string): readonly number[] {
  const groups = given.map((group, index) => readInteger(group, `${entry}[${index}]`, 0, lastId))
  if (new Set(groups).size !== groups.length) throw invalid(entry, 'names a group twice')
  if (groups.length > mostGroups) throw invalid(entry, `holds more than ${mostGroups} groups`)
  return groups
}

function readLeased(given: unknown, entry: string): IdRange {
  const record = readRecord(given, entry)
  for (const key of Object.keys(record)) {
    if (key !== 'first' && key !== 'count') throw invalid(`${entry}.${key}`, 'is not a field of a range of ids')
  }
  const first = readInteger(record['first'], `${entry}.first`, 1, lastId)
  return Object.freeze({ first, count: readInteger(record['count'], `${entry}.count`, 1, lastId) })
}

function userSchema(): Field<User, false>['schema'] {
  const id = { type: 'integer', minimum: 0, maximum: lastId }
  const groups = { type: 'array', items: id, uniqueItems: true, maxItems: mostGroups }
  const leased = {
    type: 'object',
    properties: { first: { ...id, minimum: 1 }, count: { ...id, minimum: 1 } },
    required: ['first', 'count'],
    additionalProperties: false,
    description: 'Ids of the host from which sessions lease theirs.',
  }
  const form = (properties: object, ...required: string[]): object => ({ type: 'object', properties, required, additionalProperties: false })
  return {
    anyOf: [
      { const: 'root' },
      form({ root: { const: true }, leased }, 'root'),
      form({ uid: { ...id, minimum: 1 }, gid: id, groups, leased }, 'uid', 'gid'),
      form({ gid: id, groups, leased }, 'leased'),
    ],
    description: 'The user that the build is, inside.',
  }
}
