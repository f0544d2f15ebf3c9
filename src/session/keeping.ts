import path from 'node:path'

import type { Kept } from '../command/result.ts'
import { typed } from '../errors.ts'
import type { NativeEnvelope, NativeKeepPlace } from '../native/binding.ts'
import { isWithin } from '../spec/paths.ts'
import type { KeepIn, Plan } from '../spec/plan.ts'

/**
 * Ends everything in the session and copies what would be lost with it. It never rejects: whoever fails to keep closes all the same.
 * @param folder of `keep`
 * @param within that folder, or the one that it is missing in, as it was planned
 */
export async function keepFiles(folder: string, within: KeepIn, id: string, { mounts, cwd }: Plan, envelope: NativeEnvelope): Promise<Kept> {
  const kept = path.join(folder, id)
  try {
    await envelope.killAll()
    // An overlay is copied as a whole, and may be large.
    const kinds = mounts.filter(({ kind, target }) => kind === 'tmpfs' || (kind === 'overlay' && isWithin(cwd, target)))
    const { left, failure } = await envelope.keep(kinds.map(({ target }) => target), placeOf(folder, within, id))
    return { path: kept, left, error: failure === undefined ? undefined : (typed(failure) as Error) }
  } catch (error) {
    return { path: kept, left: [], error: typed(error) as Error }
  }
}

/** Native code finds it anew, by descriptor: somebody may have exchanged it since. */
function placeOf(folder: string, { path: existing, identity }: KeepIn, id: string): NativeKeepPlace {
  const [dev, ino] = [identity.dev, identity.ino].map((number) => BigInt.asUintN(64, BigInt(number))) as [bigint, bigint]
  return { folder: existing, dev, ino, missing: path.relative(existing, folder), id }
}
