import { joinedByName, noFacts, type Field } from '../field.ts'
import { readPairs, withName } from '../check.ts'
import { outputMount } from '../source-mount.ts'
import { byNameSchema, readByName, readKeptPath, rebasedByName, targetOf, type ByName } from './sources.ts'

export interface WithOutputs {
  /**
   * More writable directories: source paths by name, at `/outputs/<name>`; a key that starts with `/` is the target itself. Missing ones are made. One at
   * `/tmp` replaces the private file system in memory; then the limits `memory`, `tmpSize` and `tmpFiles` are refused, and so are overlays.
   */
  readonly outputs?: ByName<string>
}

export const outputs: Field<ByName<string>, true> = {
  read: (given, entry) => readByName(given, entry, readKeptPath),
  plan: ({ mounts }, value = {}) => {
    for (const [key, source] of Object.entries(value)) mounts.push(outputMount(`outputs.${key}`, source, targetOf(key, '/outputs')))
  },
  isAddable: true,
  facts: noFacts,
  flag: {
    name: 'outputs',
    value: '[NAME=]DIR',
    help: 'show DIR writable at /outputs/NAME (default: its last part), or at NAME if that starts with /; it is made if missing; repeatable',
    isRepeatable: true,
    offers: { paths: 'folders' },
    read: (texts, option) => readPairs(texts.map((text) => withName(text, option)), option, 'NAME=DIR'),
    join: joinedByName,
  },
  rebase: rebasedByName,
  schema: {
    ...byNameSchema(),
    description: 'More writable directories: name to source path, at /outputs/<name>; a key that starts with / is the target itself.',
  },
}
