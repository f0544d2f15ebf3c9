import type { SessionRecord } from '../../src/index.ts'

/** The number on the host of a user inside: on Linux it is another one, and for an ordinary caller the caller's. */
export function uidOutside({ ids }: SessionRecord, uid: number): number {
  if (ids === undefined) return uid
  const range = ids.users.find(({ inside, count }) => uid >= inside && uid - inside < count)
  if (range === undefined) throw new Error(`${uid} is not mapped`)
  return range.outside + uid - range.inside
}
