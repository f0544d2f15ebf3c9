import path from 'node:path'

import { bare } from '../plain-data.ts'
import { invalid, readText } from '../check.ts'
import { type Field } from '../field.ts'
import { host, wholePath, type FileStatus } from '../look.ts'
import { identityOf, resolved } from '../source.ts'
import type { KeepIn } from '../plan-types.ts'
import { readable } from '../messages.ts'

export interface WithKeep {
  /**
   * A folder of the host in which a session leaves a copy of its files if a command in it failed: of /tmp, of what else it has in memory (`tmpfs`), and of the
   * overlay, or the copy that stands for one, that `cwd` lies in. Each session has a folder of its own there, named by its id. The folder is made if only its
   * last part is missing. Links in its path are followed when the plan is made; nothing is kept if another folder is in its place later. It must not lie in
   * anything that the session shows, unless an input excludes it. The copy has the modes of the build without set-id bits, and the owner of the folder.
   */
  readonly keep?: string
}

export const keep: Field<string, true> = {
  read: readText,
  plan: ({ settled }, value) => {
    if (value === undefined) return
    const { keep: folder, keepIn } = found(wholePath(value))
    settled.keep = folder
    settled.keepIn = keepIn
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

/** No symbolic link is left in either path. */
function found(folder: string): { readonly keep: string; readonly keepIn: KeepIn } {
  const within = path.dirname(folder)
  const existing = look(folder)
  const stats = existing ?? look(within)
  if (stats === undefined) throw invalid('keep', `${within} does not exist`)
  // A link that leads nowhere is there, and no folder is made by its name.
  if (!stats.isDirectory() || (existing === undefined && host().lstatIfThere(folder) !== undefined)) throw invalid('keep', `${folder} is not a directory`)
  const at = resolved(existing === undefined ? within : folder, 'keep')
  return { keep: existing === undefined ? path.join(at, path.basename(folder)) : at, keepIn: bare({ path: at, identity: identityOf(stats) }) }
}

function look(folder: string): FileStatus | undefined {
  try {
    return host().statIfThere(folder)
  } catch (error) {
    throw invalid('keep', `${folder} cannot be looked at`, error)
  }
}
