import { noFacts, type Field } from '../field.ts'
import { readPairs } from '../read-pairs.ts'
import { outputMount } from '../source-mount.ts'
import { readSources, sourcesSchema, targetOf, type Sources } from './sources.ts'

export interface WithOutputs {
  /** More writable directories: name to source path, at `/outputs/<name>`; a key that starts with `/` is the target itself. */
  readonly outputs?: Sources
}

export const outputs: Field<Sources, true> = {
  read: readSources,
  plan: ({ mounts }, value = {}) => {
    for (const [key, source] of Object.entries(value)) mounts.push(outputMount(`outputs.${key}`, source, targetOf(key, '/outputs')))
  },
  isAddable: true,
  facts: noFacts,
  flag: {
    name: 'output',
    takes: (text) => text.includes('='),
    value: 'name=path',
    help: 'show path writable at /outputs/name, or at name if that starts with /; repeatable',
    isRepeatable: true,
    read: (texts, option) => readPairs(texts, option, 'name=path'),
  },
  schema: {
    ...sourcesSchema,
    description: 'More writable directories: name to source path, at /outputs/<name>; a key that starts with / is the target itself.',
  },
}
