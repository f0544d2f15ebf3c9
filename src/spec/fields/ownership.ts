import { invalid } from '../check.ts'
import { type Field } from '../field.ts'

export interface WithOwnership {
  /**
   * The owner of the outputs. `folder` (default): the build may do in an output what its owner may. When the session closes, everything that the build made
   * gets the owner and the group of the folder, without set-id bits, and without access control lists, file flags and extended attributes that the build set. A
   * file that was there with another group keeps that group. On FreeBSD a new file in a folder of another group gets that group; if the build is root there,
   * both get the group of the output. In some of root's sessions on Linux new files have the owner and group of the folder from the first moment
   * (`record().outputs`). `build`: the content stays as the build left it, with the ids that the build user has on the host: on FreeBSD its own, on Linux the
   * caller's, and for root ids of the range that the session has leased (`user.leased`), which a later session may get. In both cases the folder itself gets
   * back its owner and mode. `unchanged`: buildjail changes neither owner and mode of the folder nor anything that the build leaves. This is for file systems
   * without such changes (many of FUSE). Whether the build may write there depends on the folder's mode, which may let in other users of the host, too.
   */
  readonly ownership?: Ownership
}

export type Ownership = (typeof ownerships)[number]

const ownerships = ['folder', 'build', 'unchanged'] as const

const told: Readonly<Record<Ownership, string>> = {
  folder: "of the folder's owner",
  build: 'as built',
  unchanged: 'with the folder as it is, and as built',
}

function ownershipIn(given: unknown): Ownership | undefined {
  return ownerships.find((one) => one === given)
}

export const ownership: Field<Ownership, false> = {
  read: (given, entry) => {
    const found = ownershipIn(given)
    if (found === undefined) throw invalid(entry, "must be 'folder', 'build' or 'unchanged'")
    return found
  },
  plan: ({ settled }, value) => {
    settled.ownership = value ?? 'folder'
  },
  isAddable: false,
  facts: (plan) => [['outputs', told[plan.ownership]]],
  flag: {
    name: 'ownership',
    value: 'folder|build|unchanged',
    help: "give files in outputs to the folder's owner (default), or leave them to the build; or hand over no output at all",
    isRepeatable: false,
    offers: { words: ownerships },
    read: ([text], option) => {
      const found = ownershipIn(text)
      if (found === undefined) throw invalid(option, `'${text}' is neither folder nor build nor unchanged`)
      return found
    },
  },
  schema: { enum: [...ownerships], default: 'folder', description: 'Whose outputs are, and what is in them when the session is closed.' },
}
