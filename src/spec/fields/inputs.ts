import { noFacts, takesAll, type Field } from '../field.ts'
import { readPairs } from '../read-pairs.ts'
import { inputMount } from '../source-mount.ts'
import { readSources, sourcesSchema, targetOf, type Sources } from './sources.ts'

export interface WithInputs {
  /** Name to source path, which exists, read-only at `/inputs/<name>`; a key that starts with `/` is the target itself. */
  readonly inputs?: Sources
}

export const inputs: Field<Sources, true> = {
  read: readSources,
  plan: ({ mounts }, value = {}) => {
    for (const [key, source] of Object.entries(value)) mounts.push(inputMount(`inputs.${key}`, source, targetOf(key, '/inputs')))
  },
  isAddable: true,
  facts: noFacts,
  flag: {
    name: 'input',
    takes: takesAll,
    value: 'name=path',
    help: 'show path read-only at /inputs/name, or at name if that starts with /; repeatable',
    isRepeatable: true,
    read: (texts, option) => readPairs(texts, option, 'name=path'),
  },
  schema: { ...sourcesSchema, description: 'Name to source path, read-only at /inputs/<name>; a key that starts with / is the target itself.' },
}
