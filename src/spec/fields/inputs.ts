import { joinedByName, noFacts, type Field } from '../field.ts'
import { readPairs, withName } from '../check.ts'
import { plannedInput } from '../source-mount.ts'
import { byNameSchema, inputFrom, inputSchema, readByName, readInputSource, rebasedByName, targetOf, type ByName, type InputSource } from './sources.ts'

export interface WithInputs {
  /**
   * Name to source path, read-only at `/inputs/<name>`; a key that starts with `/` is the target itself. The source exists, or is
   * `{ path, optional: true }`. A folder may be `{ path, overlay: true }`: the build can write in it, and nothing of that is kept.
   */
  readonly inputs?: ByName<InputSource>
}

export const inputs: Field<ByName<InputSource>, true> = {
  read: (given, entry) => readByName(given, entry, readInputSource),
  plan: (draft, value = {}) => {
    for (const [key, source] of Object.entries(value)) {
      const mount = plannedInput(draft, `inputs.${key}`, source, targetOf(key, '/inputs'))
      if (mount !== undefined) draft.mounts.push(mount)
    }
  },
  isAddable: true,
  facts: noFacts,
  flag: {
    name: 'input',
    value: '[NAME=]PATH',
    help: 'show PATH read-only at /inputs/NAME (default: its last part), or at NAME if that starts with /; NAME?=PATH or PATH? if it is there; NAME~=PATH or PATH~ an overlay; repeatable',
    isRepeatable: true,
    offers: { paths: 'any' },
    read: (texts, option) => {
      const sources = Object.entries(readPairs(texts.map((text) => withName(text, option)), option, 'NAME=PATH')).map(([key, path]): [string, InputSource] => {
        const { name, source } = inputFrom(key, path)
        return [name, source]
      })
      return Object.fromEntries(sources)
    },
    join: joinedByName,
  },
  rebase: (value, resolve) => rebasedByName(value, (source) => (typeof source === 'string' ? resolve(source) : { ...source, path: resolve(source.path) })),
  schema: {
    ...byNameSchema(inputSchema),
    description: 'Name to source path, read-only at /inputs/<name>; a key that starts with / is the target itself.',
  },
}
