import { invalid } from '../check.ts'
import { type Field } from '../field.ts'

export interface WithOwnership {
  /**
   * Whose the content of an output is when the session is closed. `folder` (default): everything that the build made belongs to the owner
   * and the group of the folder, without set-id bits, access control lists, file flags and extended attributes of the build's. `build`: as
   * the build left it, with the build user's numbers. The folder itself comes back as it was in either case.
   */
  readonly ownership?: Ownership
}

export type Ownership = 'folder' | 'build'

export const ownership: Field<Ownership, false> = {
  read: (given, entry) => {
    if (given === 'folder' || given === 'build') return given
    throw invalid(entry, "must be 'folder' or 'build'")
  },
  plan: ({ settled }, value) => {
    settled.ownership = value ?? 'folder'
  },
  isAddable: false,
  facts: (plan) => [['outputs', plan.ownership === 'folder' ? "of the folder's owner" : 'as built']],
  flag: {
    name: 'ownership',
    value: 'folder|build',
    help: "files in outputs get their folder's owner (default), or stay the build's",
    isRepeatable: false,
    offers: { words: ['folder', 'build'] },
    read: ([text], option) => {
      if (text === 'folder' || text === 'build') return text
      throw invalid(option, `'${text}' is neither folder nor build`)
    },
  },
  schema: { enum: ['folder', 'build'], default: 'folder', description: 'Whose the content of an output is when the session is closed.' },
}
