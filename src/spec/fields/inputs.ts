import { joinedByName, noFacts, type Field } from '../field.ts'
import { invalid, readPairs, withName } from '../check.ts'
import { excludedFrom } from '../excluded.ts'
import { plannedInput } from '../source-mount.ts'
import { byNameSchema, inputFrom, inputSchema, readByName, readInputSource, readPatterns, rebasedByName, targetOf, type ByName, type InputSource } from './sources.ts'

export interface WithInputs {
  /**
   * Sources by name, read-only at `/inputs/<name>`; a key that starts with `/` is the target itself. A source must exist, unless it is
   * `{ path, optional: true }`. A folder may be `{ path, overlay: true }`: the build can write in it, and its changes are lost with the session. With
   * `{ path, exclude: ['.env*'] }` something empty replaces each path that matches.
   */
  readonly inputs?: ByName<InputSource>
}

/** Begins a text of the option that is a pattern, as no path does. */
const ofExclude = '\0'

export const inputs: Field<ByName<InputSource>, true> = {
  read: (given, entry) => readByName(given, entry, readInputSource),
  plan: (draft, value = {}) => {
    for (const [key, source] of Object.entries(value)) {
      const mount = plannedInput(draft, `inputs.${key}`, source, targetOf(key, '/inputs'))
      if (mount === undefined) continue
      draft.mounts.push(mount)
      draft.excluded.push(...excludedFrom(mount, typeof source === 'string' ? [] : (source.exclude ?? [])))
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
    shortcuts: [{ name: 'exclude', value: 'PATTERN', help: 'show nothing in the place of what fits PATTERN in each --input that is a folder, and in the project of --here: .env*, packages/*/dist/, **/*.key; a file is an empty file there, and a folder an empty folder; NAME/ fits folders alone, and one that is missing is made, which stays on the host where the input is no overlay; repeatable', textOf: (value) => `${ofExclude}${value}`, isRepeatable: true }],
    read: (texts, option) => {
      const patterns = texts.filter((text) => text.startsWith(ofExclude)).map((text) => text.slice(ofExclude.length))
      const named = texts.filter((text) => !text.startsWith(ofExclude)).map((text) => withName(text, option))
      if (named.length === 0) throw invalid('--exclude', 'is about the inputs of the command line, and there is no --input')
      const sources = Object.entries(readPairs(named, option, 'NAME=PATH')).map(([key, path]): [string, InputSource] => {
        const { name, source } = inputFrom(key, path)
        if (patterns.length === 0) return [name, source]
        return [name, { ...(typeof source === 'string' ? { path: source } : source), exclude: readPatterns(patterns, '--exclude') }]
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
