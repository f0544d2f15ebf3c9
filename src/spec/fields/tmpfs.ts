import { bare } from '../plain-data.ts'
import { invalid, readPairs, readRecord } from '../check.ts'
import { joinedByName, noFacts, type Field } from '../field.ts'
import { leastTmpfs, readTmpfsSize, tmpfsMount, tmpfsSizeSchema } from '../memory-files.ts'
import type { Size } from '../units.ts'

export interface WithTmpfs {
  /**
   * More places like /tmp: sizes in bytes, or texts such as `512M`, `2G`, by absolute target inside. Each is an empty file system in memory that everybody in
   * the session can write to. It is lost with the session. All of them and /tmp together take at most half of the memory, and half of `limits.memory`. Each has
   * room for one file for each 4 KiB, and for at least 1024. At most 16.
   */
  readonly tmpfs?: Readonly<Record<string, Size>>
}

/** Each is a mount. */
const most = 16

export const tmpfs: Field<Readonly<Record<string, Size>>, false> = {
  read: (given, entry) => {
    const sizes = Object.entries(readRecord(given, entry)).map(([target, size]): [string, number] => {
      if (!target.startsWith('/') || target.includes('\0')) throw invalid(`${entry}.${target}`, 'must be an absolute path inside, without NUL')
      return [target, readTmpfsSize(size, `${entry}.${target}`)]
    })
    if (sizes.length > most) throw invalid(entry, `holds more than ${most} file systems`)
    return bare<Readonly<Record<string, Size>>>(Object.fromEntries(sizes))
  },
  plan: ({ layout, mounts }, value = {}) => {
    for (const [target, size] of Object.entries(value)) {
      const entry = `tmpfs.${target}`
      if (layout.own.some((own) => own.kind === 'tmpfs' && own.target === target)) {
        throw invalid(entry, `is in every session; its size is limits.tmpSize`)
      }
      mounts.push(tmpfsMount(target, size as number, undefined, entry))
    }
  },
  isAddable: false,
  facts: noFacts,
  flag: {
    name: 'tmpfs',
    value: 'PATH=SIZE',
    help: 'add a file system in memory like /tmp: /var/tmp=64M; repeatable',
    isRepeatable: true,
    offers: {},
    read: (texts, option) => readPairs(texts, option, 'PATH=SIZE'),
    join: joinedByName,
  },
  schema: {
    type: 'object',
    propertyNames: { pattern: String.raw`^/[^\0]*$` },
    additionalProperties: tmpfsSizeSchema,
    maxProperties: most,
    description: `Target to size of more file systems in memory; ${leastTmpfs} bytes at least.`,
  },
}
