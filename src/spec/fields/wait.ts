import { noFacts, type Field } from '../field.ts'
import { longestTimer, millisecondsSchema, readDuration, readMilliseconds, type Duration } from '../units.ts'

export interface WithWait {
  /**
   * How long opening waits for what another session has: an output, a folder inside or around it, a build user. Default: 0, so opening fails at once (EBUSY).
   * The same time bounds the wait for a turn (`maxSessions`); there, 0 waits as long as it takes.
   */
  readonly wait?: Duration
}

export const wait: Field<Duration, false> = {
  read: (given, entry) => readMilliseconds(given, entry, 0, longestTimer),
  plan: ({ settled }, value = 0) => {
    settled.wait = value as number
  },
  isAddable: false,
  facts: noFacts,
  flag: {
    name: 'wait',
    value: 'DURATION',
    help: 'wait so long for a folder or a user that another session has, such as 500ms, 10s, 5m; default: not at all',
    isRepeatable: false,
    offers: {},
    read: ([text], option) => readDuration(text, option),
  },
  schema: { ...millisecondsSchema(0, longestTimer), default: 0, description: 'How long to wait for what another session has: milliseconds, or a text as 90s or 10m.' },
}
