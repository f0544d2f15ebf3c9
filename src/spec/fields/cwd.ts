import { readText } from '../check.ts'
import { type Field } from '../field.ts'
import { readable } from '../messages.ts'

export interface WithCwd {
  /** The directory inside in which commands start. Default: /tmp. */
  readonly cwd?: string
}

export const cwd: Field<string, true> = {
  read: readText,
  plan: ({ settled }, value) => {
    settled.cwd = value ?? '/tmp'
  },
  isAddable: true,
  facts: (plan) => [['cwd', readable(plan.cwd)]],
  flag: {
    name: 'cwd',
    value: 'PATH',
    help: 'start the command there, inside; default /tmp',
    isRepeatable: false,
    offers: {},
    read: ([text]) => text,
  },
  schema: { type: 'string', pattern: String.raw`^[^\0]+$`, default: '/tmp', description: 'Where commands start, inside.' },
}
