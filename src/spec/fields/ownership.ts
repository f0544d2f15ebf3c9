import { invalid } from '../check.ts'
import { type Field } from '../field.ts'

export interface WithOwnership {
  /**
   * Whose outputs are. `folder` (default): the build may do in an output what its owner may. When the session is closed, everything that
   * the build made belongs to the owner and the group of the folder, without set-id bits, access control lists, file flags and extended
   * attributes of the build's. A file that was there with another group keeps that, and on FreeBSD what is made in a folder of another group has that;
   * a build that is root there gives both the group of the output. In some of root's sessions on Linux it belongs to them from the first moment (`record().outputs`).
   * `build`: the content stays as the build left it, with the numbers that the build user has on the host: on FreeBSD its own, on Linux
   * the caller's, and for root numbers of the range that the session has leased (`user.leased`), which a later session may get. The
   * folder itself comes back as it was in either case. `unchanged`: owner and mode of the folder are never changed, nor is anything that
   * the build leaves, for folders on a file system that knows no such change (many of FUSE). Whether the build may write there is up to
   * the folder's mode, by which other users of the host may be let in, too.
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
