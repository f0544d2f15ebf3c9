import { invalid, readRecord, readString } from '../check.ts'
import { noFacts, takesAll, type Field } from '../field.ts'
import { readPairs } from '../read-pairs.ts'

export interface WithEnv {
  /** Added to (and winning over) the clean default: PATH, HOME=/tmp, TMPDIR=/tmp, LC_ALL=C. */
  readonly env?: Variables
}

export type Variables = Readonly<Record<string, string>>

export const env: Field<Variables, true> = {
  read: (given, entry) => {
    const variables: [string, string][] = []
    for (const [key, text] of Object.entries(readRecord(given, entry))) {
      if (key === '' || key.includes('=') || key.includes('\0')) {
        throw invalid(`${entry}.${key}`, 'a variable name must not be empty or hold = or NUL')
      }
      variables.push([key, readString(text, `${entry}.${key}`)])
    }
    return Object.fromEntries(variables)
  },
  plan: ({ settled }, value = {}) => {
    settled.env = { ...settled.env, ...value }
  },
  isAddable: true,
  facts: noFacts,
  flag: {
    name: 'env',
    takes: takesAll,
    value: 'NAME=value',
    help: 'add to the environment, which is otherwise clean; repeatable',
    isRepeatable: true,
    read: (texts, option) => readPairs(texts, option, 'NAME=value'),
  },
  schema: {
    type: 'object',
    propertyNames: { pattern: String.raw`^[^=\0]+$` },
    additionalProperties: { type: 'string', pattern: String.raw`^[^\0]*$` },
    description: 'Added to the clean environment, over which it wins.',
  },
}
