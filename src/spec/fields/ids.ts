import { invalid, readInteger, readRecord } from '../check.ts'
import { type Field } from '../field.ts'

export interface WithIds {
  /**
   * Linux, for root: the ids of the host out of which sessions get theirs. Default: 65,536 for each session, from 600,047,616 on,
   * none of them in /etc/subuid or /etc/subgid but for the user `buildjail`.
   */
  readonly ids?: Ids
}

/**
 * Ids of users, and groups of the same numbers. Each session has 65,536 of them from a multiple of that on; where there is no room for
 * one such range, 32 from a multiple of 32 on.
 */
export interface Ids {
  readonly first: number
  readonly count: number
}

// uid_t is 32 bits wide; the last value is "no id" to chown(2).
const lastId = 0xffff_fffe
const fewest = 32

export const ids: Field<Ids, false> = {
  read: (given, entry) => {
    const record = readRecord(given, entry)
    for (const key of Object.keys(record)) {
      if (key !== 'first' && key !== 'count') throw invalid(`${entry}.${key}`, 'is not a field of ids')
    }
    const first = readInteger(record['first'], `${entry}.first`, 1, lastId)
    return { first, count: readInteger(record['count'], `${entry}.count`, fewest, lastId) }
  },
  plan: ({ settled, platform }, value) => {
    if (value === undefined) return
    if (platform !== 'linux') throw invalid('ids', 'is for Linux: elsewhere the ids inside are those of the host')
    if (value.first + value.count - 1 > lastId) throw invalid('ids.count', `goes beyond the last id, ${lastId}`)
    settled.ids = Object.freeze({ ...value })
  },
  isAddable: false,
  facts: (plan) => (plan.ids === undefined ? [] : [['ids', `${plan.ids.count} from ${plan.ids.first}`]]),
  flag: {
    name: 'ids',
    value: 'FIRST:COUNT',
    help: 'Linux: sessions lease their ids of the host from this range',
    isRepeatable: false,
    offers: {},
    read: ([text], option) => {
      const match = /^(\d+):(\d+)$/.exec(text)
      if (match === null) throw invalid(option, `'${text}' is not first:count in numbers`)
      return { first: Number(match[1]), count: Number(match[2]) }
    },
  },
  schema: {
    type: 'object',
    properties: {
      first: { type: 'integer', minimum: 1, maximum: lastId },
      count: { type: 'integer', minimum: fewest, maximum: lastId },
    },
    required: ['first', 'count'],
    additionalProperties: false,
    description: 'Linux: the ids of the host out of which sessions get theirs.',
  },
}
