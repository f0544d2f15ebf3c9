import { bare } from '../bare.ts'
import { readInteger } from '../check.ts'
import { noFacts, takesAll, type Field } from '../field.ts'
import { readSize } from '../read-size.ts'

export interface WithTmpSize {
  /** Upper bound of the private /tmp, in bytes. Default: 2 GiB. Files in /tmp take memory; an empty /tmp takes none. */
  readonly tmpSize?: number
}

const page = 4096
const usual = 2 * 1024 ** 3

export const tmpSize: Field<number, false> = {
  read: (given, entry) => readInteger(given, entry, page, Number.MAX_SAFE_INTEGER),
  plan: ({ layout, mounts }, size = usual) => {
    for (const { kind, target } of layout.own) {
      if (kind === 'tmpfs') mounts.push(bare({ kind, target, writable: true, size, entry: 'tmpfs' }))
    }
  },
  isAddable: false,
  facts: noFacts,
  flag: {
    name: 'tmp-size',
    takes: takesAll,
    value: 'SIZE',
    help: 'upper bound of the private /tmp: 512M, 4G; default 2G',
    isRepeatable: false,
    read: ([text], option) => readSize(text, option),
  },
  schema: {
    type: 'integer',
    minimum: page,
    maximum: Number.MAX_SAFE_INTEGER,
    default: usual,
    description: 'Upper bound of the private /tmp, in bytes.',
  },
}
