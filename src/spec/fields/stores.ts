import { SpecError } from '../../errors.ts'
import { joinedByName, noFacts, type Field } from '../field.ts'
import { readPairs } from '../check.ts'
import { outputMount } from '../source-mount.ts'
import { byNameSchema, readByName, readKeptPath, rebasedByName, type ByName } from './sources.ts'

export interface WithStores {
  /**
   * Folders that a build adds to, by their place inside: `{ '/gnu/store': folder }`. Other entries are mounted in them one by one, such as
   * `inputs: { '/gnu/store/abc-foo': path }`, and the build makes its results beside them. It can remove there only what it made. A session borrows the folder
   * as it borrows an output.
   */
  readonly stores?: ByName<string>
}

export const stores: Field<ByName<string>, true> = {
  read: (given, entry) => {
    const sources = readByName(given, entry, readKeptPath)
    for (const key of Object.keys(sources)) {
      if (!key.startsWith('/')) throw new SpecError('ERR_BUILDJAIL_INVALID_NAME', `${entry}.${key}`, 'a store is named by its place inside, which starts with "/"')
    }
    return sources
  },
  plan: ({ mounts }, value = {}) => {
    for (const [target, source] of Object.entries(value)) mounts.push(outputMount(`stores.${target}`, source, target, 'store'))
  },
  isAddable: true,
  facts: noFacts,
  flag: {
    name: 'store',
    value: '/TARGET=DIR',
    help: 'show DIR writable at /TARGET, for inputs to be mounted in one by one; repeatable',
    isRepeatable: true,
    offers: { paths: 'folders' },
    read: (texts, option) => readPairs(texts, option, '/TARGET=DIR'),
    join: joinedByName,
  },
  rebase: rebasedByName,
  schema: {
    ...byNameSchema(),
    propertyNames: { pattern: String.raw`^/[^\0]*$` },
    description: 'Place inside to folder, which the build adds to, and in which inputs are mounted one by one.',
  },
}
