import { statSync, type Stats } from 'node:fs'
import path from 'node:path'

import { invalid, readText } from '../check.ts'
import { type Field } from '../field.ts'
import { readable } from '../readable.ts'

export interface WithKeep {
  /**
   * A folder of the host in which a session leaves a copy of its /tmp, of what else it has in memory (`tmpfs`), and of the overlay that `cwd` lies in, when a command in it failed: each
   * session a folder of its own, named by its id. It is made where only its last part is missing. The copy has the modes of the build without set-id bits, and the owner of the folder.
   */
  readonly keep?: string
}

export const keep: Field<string, true> = {
  read: readText,
  plan: ({ settled }, value) => {
    if (value === undefined) return
    const folder = path.resolve(value)
    refuseUnusable(folder)
    settled.keep = folder
  },
  isAddable: true,
  facts: (plan) => (plan.keep === undefined ? [] : [['keep', readable(plan.keep)]]),
  flag: {
    name: 'keep',
    value: 'DIR',
    help: 'copy /tmp of a command that failed into a new folder in DIR',
    isRepeatable: false,
    offers: { paths: 'folders' },
    read: ([text]) => text,
  },
  rebase: (value, resolve) => resolve(value),
  schema: { type: 'string', pattern: String.raw`^[^\0]+$`, description: 'A folder of the host for a copy of the /tmp of a session in which a command failed.' },
}

function refuseUnusable(folder: string): void {
  let found: Stats | undefined
  try {
    found = statSync(folder, { throwIfNoEntry: false }) ?? statSync(path.dirname(folder), { throwIfNoEntry: false })
  } catch (error) {
    throw invalid('keep', `${folder} cannot be looked at`, error)
  }
  if (found?.isDirectory() === true) return
  throw invalid('keep', found === undefined ? `${path.dirname(folder)} does not exist` : `${folder} is not a directory`)
}
