import { invalid, readInteger } from '../check.ts'
import { noFacts, type Field } from '../field.ts'

export interface WithSourceDateEpoch {
  /** Seconds since 1970, given to the build as SOURCE_DATE_EPOCH (reproducible-builds.org/specs/source-date-epoch). */
  readonly sourceDateEpoch?: number
}

export const sourceDateEpoch: Field<number, true> = {
  read: (given, entry) => readInteger(given, entry, 0, Number.MAX_SAFE_INTEGER),
  plan: ({ settled }, value) => {
    if (value !== undefined) settled.env = { ...settled.env, SOURCE_DATE_EPOCH: String(value) }
  },
  isAddable: true,
  facts: noFacts,
  flag: {
    name: 'source-date-epoch',
    value: 'SECONDS',
    help: 'set SOURCE_DATE_EPOCH to this many seconds since 1970',
    isRepeatable: false,
    offers: {},
    read: ([text], option) => {
      if (/^\d+$/.test(text)) return Number(text)
      throw invalid(option, `'${text}' is not a whole number of seconds since 1970`)
    },
  },
  schema: {
    type: 'integer',
    minimum: 0,
    maximum: Number.MAX_SAFE_INTEGER,
    description: 'Seconds since 1970, given to the build as SOURCE_DATE_EPOCH.',
  },
}
