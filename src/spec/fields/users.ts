import { bare } from '../plain-data.ts'
import { invalid, readInteger, readRecord } from '../check.ts'
import { type Field } from '../field.ts'

export interface WithUsers {
  /**
   * FreeBSD: the build users of the host. A session without `user` leases one of them while it lives, and no other live session of the
   * host has that one. EBUSY (step `user-lease`) when all are leased. Default: 64 users from 35001, and the group 35001. On Linux
   * builds need no such users, so the field is refused there.
   */
  readonly users?: Users
}

/** A range of user ids that nothing else on the host has. */
export interface Users {
  readonly firstUid: number
  readonly count: number
  /** The group of them all. */
  readonly gid: number
}

// As in user.ts.
const lastId = 0xffff_fffe
const mostUsers = 4096
const lastFirst = lastId - mostUsers
const usual: Users = { firstUid: 35001, count: 64, gid: 35001 }

export const users: Field<Users, false> = {
  read: readUsers,
  plan: ({ platform, settled }, value) => {
    if (platform !== 'freebsd') {
      if (value !== undefined) throw invalid('users', 'is for FreeBSD only: on Linux the users of two builds are never the same on the host')
      return
    }
    if (settled.user !== undefined) {
      if (value !== undefined) throw invalid('users', 'has no use where `user` names the build user')
      return
    }
    const { firstUid, count, gid } = value ?? usual
    settled.users = bare({ firstUid, count, gid })
  },
  isAddable: false,
  facts: ({ users: pool }) => (pool === undefined ? [] : [['users', `one of ${pool.firstUid} to ${pool.firstUid + pool.count - 1}, group ${pool.gid}`]]),
  flag: {
    name: 'users',
    value: 'FIRST:COUNT:GID',
    help: 'FreeBSD: lease one of COUNT users from uid FIRST on; default 35001:64:35001',
    isRepeatable: false,
    offers: {},
    read: ([text], option) => {
      const match = /^(\d+):(\d+):(\d+)$/.exec(text)
      if (match === null) throw invalid(option, `'${text}' is not FIRST:COUNT:GID in numbers`)
      return { firstUid: Number(match[1]), count: Number(match[2]), gid: Number(match[3]) }
    },
  },
  schema: {
    type: 'object',
    properties: {
      firstUid: { type: 'integer', minimum: 1, maximum: lastFirst },
      count: { type: 'integer', minimum: 1, maximum: mostUsers },
      gid: { type: 'integer', minimum: 0, maximum: lastId },
    },
    required: ['firstUid', 'count', 'gid'],
    additionalProperties: false,
    description: 'FreeBSD: the users of which a session without `user` leases one.',
  },
}

function readUsers(given: unknown, entry: string): Users {
  const record = readRecord(given, entry)
  for (const key of Object.keys(record)) {
    if (key !== 'firstUid' && key !== 'count' && key !== 'gid') throw invalid(`${entry}.${key}`, 'is not a field of users')
  }
  const firstUid = readInteger(record['firstUid'], `${entry}.firstUid`, 1, lastFirst)
  const count = readInteger(record['count'], `${entry}.count`, 1, mostUsers)
  const gid = readInteger(record['gid'], `${entry}.gid`, 0, lastId)
  return { firstUid, count, gid }
}
