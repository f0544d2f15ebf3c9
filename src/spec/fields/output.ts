import { readText } from '../check.ts'
import { noFacts, type Field } from '../field.ts'
import { outputMount } from '../source-mount.ts'

export interface WithOutput {
  /** A directory of the host, which exists, writable at `/output`. */
  readonly output?: string
}

export const output: Field<string, true> = {
  read: readText,
  plan: ({ mounts }, value) => {
    if (value !== undefined) mounts.push(outputMount('output', value, '/output'))
  },
  isAddable: true,
  facts: noFacts,
  flag: {
    name: 'output',
    // A text with an equals sign is for `outputs`. A path that holds one can still be the output: /output=path.
    takes: (text) => !text.includes('='),
    value: 'path',
    help: 'show path, a directory, writable at /output',
    isRepeatable: false,
    read: ([text]) => text,
  },
  schema: { type: 'string', pattern: String.raw`^[^\0]+$`, description: 'A directory of the host, writable at /output.' },
}
