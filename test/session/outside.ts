import { statfsSync } from 'node:fs'

import type { SessionRecord, Spec } from '../../src/index.ts'

/** The number on the host of a user inside: on Linux it is another one, and for an ordinary caller the caller's. */
export function uidOutside({ ids }: SessionRecord, uid: number): number {
  if (ids === undefined) return uid
  const range = ids.users.find(({ inside, count }) => uid >= inside && uid - inside < count)
  if (range === undefined) throw new Error(`${uid} is not mapped`)
  return range.outside + uid - range.inside
}

/** Of ext4, XFS, Btrfs, tmpfs and F2FS: their owners can be mapped (mount_setattr(2), MOUNT_ATTR_IDMAP). */
const mappable = [0xef53, 0x58465342, 0x9123683e, 0x01021994, 0xf2f52010]

/** Whether an output there keeps its owner while it is lent, with all that a build makes in it: Linux, for root. */
export function canBeMapped(folder: string): boolean {
  return process.platform === 'linux' && process.geteuid?.() === 0 && mappable.includes(statfsSync(folder).type)
}

/** How an output may be lent: as it is, or by a walk through it, which a build needs that may leave set-id bits. */
export const waysToLend: readonly (readonly [string, Spec])[] = [
  ['on a mapped mount, where there can be one', {}],
  ['handed over', { allow: ['set-id'] }],
]

/** Who owns an output on the host while a build has it; `uid` is its owner before. */
export function ownerWhileLent(record: SessionRecord, folder: string, uid: number, { allow }: Spec): number {
  return allow === undefined && canBeMapped(folder) ? uid : (record.user?.uid ?? uidOutside(record, 35001))
}
