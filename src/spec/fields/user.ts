import { SpecError } from '../../errors.ts'
import { asking, specText } from '../messages.ts'
import { bare } from '../plain-data.ts'
import { invalid, readInteger, readList, readRecord } from '../check.ts'
import { type Field } from '../field.ts'

export interface WithUser {
  /**
   * Default: on FreeBSD one of `users`, which no other live session has; on Linux uid and gid 35001. A user that is named is shared
   * with every session that names it too, and with no session that has leased it. To be root inside, say `'root'`. On Linux the build
   * sees these numbers, but for root it has ids of the session's own outside (`ids`), and the rights of no user of the host. For a
   * caller who is not root it has the caller's rights: of the files that it sees, it can read and write those that the caller can.
   * Only root can give it groups.
   */
  readonly user?: User | 'root'
}

/** A build user. Ids are numbers: the jail has no user database of its own in which to look names up. */
export interface User {
  readonly uid: number
  readonly gid: number
  /** Supplementary groups: exactly these, and none of the caller's. Default: none. */
  readonly groups?: readonly number[]
}

// uid_t and gid_t are 32 bits wide; the last value is "no id" to chown(2) and setreuid(2).
const lastId = 0xffff_fffe
// The kernel takes 1023 (NGROUPS_MAX), but shows only 16, the group id among them (sys/user.h, KI_NGROUPS). More could not be
// read back, so they are not offered.
const mostGroups = 15
export const usual: Required<User> = { uid: 35001, gid: 35001, groups: [] }
const root: User = { uid: 0, gid: 0, groups: [] }
const asRoot = { user: 'root' } as const

export const user: Field<User | 'root', false> = {
  read: (given, entry) => (given === 'root' ? given : readUser(given, entry)),
  plan: ({ platform, settled }, value) => {
    // One of `users`.
    if (value === undefined && platform === 'freebsd') return
    const { uid, gid, groups = [] } = value === 'root' ? root : (value ?? usual)
    settled.user = bare({ uid, gid, groups: Object.freeze([...groups]) })
  },
  isAddable: false,
  facts: ({ user: named }) => {
    if (named === undefined) return []
    const { uid, gid, groups } = named
    return [
      ['user', `${uid}:${gid}${uid === 0 ? ' (root)' : ''}`],
      ['groups', groups.length === 0 ? '-' : groups.join(' ')],
    ]
  },
  flag: {
    name: 'user',
    value: 'USER',
    help: 'run as uid:gid, uid:gid:group,group, or root; default 35001:35001, on FreeBSD one of --users',
    isRepeatable: false,
    offers: { words: ['root'] },
    read: ([text], option) => {
      if (text === 'root') return text
      const match = /^(\d+):(\d+)(?::(\d+(?:,\d+)*))?$/.exec(text)
      if (match === null) throw invalid(option, `'${text}' is neither root nor uid:gid or uid:gid:group,group in numbers`)
      const [, uid, gid, groups] = match
      return { uid: Number(uid), gid: Number(gid), ...(groups === undefined ? {} : { groups: groups.split(',').map(Number) }) }
    },
  },
  schema: {
    anyOf: [
      { const: 'root' },
      {
        type: 'object',
        properties: {
          uid: { type: 'integer', minimum: 1, maximum: lastId },
          gid: { type: 'integer', minimum: 0, maximum: lastId },
          groups: { type: 'array', items: { type: 'integer', minimum: 0, maximum: lastId }, uniqueItems: true, maxItems: mostGroups },
        },
        required: ['uid', 'gid'],
        additionalProperties: false,
      },
    ],
    description: 'The user that the build is, inside.',
  },
}

function readUser(given: unknown, entry: string): User {
  if (typeof given === 'string') throw invalid(entry, `must be 'root' or { uid, gid, groups } in numbers; a session does not know the users of the host by name, such as '${given}'`)
  const record = readRecord(given, entry)
  for (const key of Object.keys(record)) {
    if (key !== 'uid' && key !== 'gid' && key !== 'groups') throw invalid(`${entry}.${key}`, 'is not a field of a user')
  }
  const uid = readInteger(record['uid'], `${entry}.uid`, 0, lastId)
  const gid = readInteger(record['gid'], `${entry}.gid`, 0, lastId)
  // defence: root-only-asked-name
  if (uid === 0) throw asking(new SpecError('ERR_BUILDJAIL_ROOT_NOT_NAMED', `${entry}.uid`, `to be root inside, say ${specText(asRoot)}`), asRoot)
  if (record['groups'] === undefined) return { uid, gid, groups: [] }
  const groups = readList(record['groups'], `${entry}.groups`, 'a list of group ids')
  return { uid, gid, groups: readGroups(groups, `${entry}.groups`) }
}

function readGroups(given: readonly unknown[], entry: string): readonly number[] {
  const groups = given.map((group, index) => readInteger(group, `${entry}[${index}]`, 0, lastId))
  if (new Set(groups).size !== groups.length) throw invalid(entry, 'names a group twice')
  if (groups.length > mostGroups) throw invalid(entry, `holds more than ${mostGroups} groups`)
  return groups
}
