import { invalid, readList, readText } from '../check.ts'
import { joinedLists, type Draft, type Field } from '../field.ts'
import { readable } from '../messages.ts'
import { refuseTarget } from '../target-rules.ts'

export interface WithPath {
  /** Absolute directories inside that come before PATH, whether it is the default or that of `env`. Those that a build adds come before the base's. */
  readonly path?: readonly string[]
}

export const path: Field<readonly string[], true> = {
  read: (given, entry) => checked(readList(given, entry, 'a list of directories'), (index) => `${entry}[${index}]`),
  plan: (draft, value = []) => {
    value.forEach((directory, index) => refuseTarget(`path[${index}]`, directory))
    if (value.length > 0) putBeforePath(draft, value)
  },
  isAddable: true,
  facts: (plan) => (plan.path.length === 0 ? [] : [['path', plan.path.map(readable).join(' ')]]),
  flag: {
    name: 'path',
    value: 'DIR',
    help: 'put DIR, inside, before PATH; repeatable',
    isRepeatable: true,
    offers: {},
    read: (texts, option) => checked(texts, () => option),
    join: joinedLists,
  },
  schema: {
    type: 'array',
    items: { type: 'string', pattern: String.raw`^[^:\0]+$` },
    default: [],
    description: 'Directories inside that come before PATH.',
  },
}

function checked(given: readonly unknown[], entryOf: (index: number) => string): readonly string[] {
  return given.map((one, index) => {
    const directory = readText(one, entryOf(index))
    if (directory.includes(':')) throw invalid(entryOf(index), 'must not hold a colon, which parts the directories of PATH')
    return directory
  })
}

/** Puts directories, by their paths inside, before PATH. It has each of them once. */
export function putBeforePath({ settled }: Draft, directories: readonly string[]): void {
  settled.path = Object.freeze([...new Set([...directories, ...settled.path])])
  settled.env = { ...settled.env, PATH: withPath(settled.path, settled.env['PATH']) }
}

/** PATH with the directories before it. */
export function withPath(directories: readonly string[], before: string | undefined): string {
  return [...new Set([...directories, ...(before === undefined || before === '' ? [] : before.split(':'))])].join(':')
}
