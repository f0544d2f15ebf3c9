import { invalid } from '../check.ts'
import { noFacts, type Field } from '../field.ts'
import { outputMount } from '../source-mount.ts'
import { readKeptPath } from './sources.ts'

export interface WithOutput {
  /** A directory of the host, writable at `/output`. If it is missing, it is made when a session opens, and stays. */
  readonly output?: string
}

export const output: Field<string, true> = {
  read: readKeptPath,
  plan: ({ mounts }, value) => {
    if (value !== undefined) mounts.push(outputMount('output', value, '/output'))
  },
  isAddable: true,
  facts: noFacts,
  flag: {
    name: 'output',
    value: 'DIR',
    help: 'show DIR writable at /output; it is made if missing',
    isRepeatable: false,
    offers: { paths: 'folders' },
    read: ([text], option) => {
      // Else a name that was meant for `outputs` would be a new folder.
      if (/^[^./][^/]*=/.test(text) || /^\/[^=]*=/.test(text)) throw invalid(option, `'${text}' has a name, as --outputs takes it; a folder with = in its path is --outputs /output=DIR`)
      return text
    },
  },
  rebase: (value, resolve) => resolve(value),
  schema: { type: 'string', pattern: String.raw`^[^\0]+$`, description: 'A directory of the host, writable at /output.' },
}
