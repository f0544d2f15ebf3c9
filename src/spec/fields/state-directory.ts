import path from 'node:path'

import { invalid, readText } from '../check.ts'
import { type Field } from '../field.ts'
import { readable } from '../messages.ts'
import { stateDirectoryOf } from '../state-directory.ts'

export interface WithStateDirectory {
  /**
   * A directory for what sessions share. It belongs to the caller and has mode 0700. Default: /var/run/buildjail; for an ordinary user on Linux `buildjail` in
   * $XDG_RUNTIME_DIR, or else /tmp/buildjail-<uid>.
   */
  readonly stateDirectory?: string
}

export const stateDirectory: Field<string, false> = {
  read: (given, entry) => {
    const directory = readText(given, entry)
    if (!path.isAbsolute(directory)) throw invalid(entry, `${directory} is not an absolute path`)
    return directory
  },
  plan: ({ settled, platform }, value) => {
    settled.stateDirectory = stateDirectoryOf(value, platform)
  },
  isAddable: false,
  facts: (plan) => [['state', readable(plan.stateDirectory)]],
  flag: {
    name: 'state-directory',
    value: 'DIR',
    help: 'the folder of the session while it lives',
    isRepeatable: false,
    offers: { paths: 'folders' },
    read: ([text], option) => {
      if (text === '') throw invalid(option, 'must not be empty')
      return path.resolve(text)
    },
  },
  schema: { type: 'string', pattern: String.raw`^/[^\0]*$`, description: 'The directory in which sessions keep the things that they share.' },
}
