import { mkdirSync } from 'node:fs'
import path from 'node:path'

import type { Kept } from '../command/result.ts'
import { typed } from '../errors.ts'
import type { NativeEnvelope } from '../native/binding.ts'
import { isWithin } from '../spec/paths.ts'
import type { Plan } from '../spec/plan.ts'

/**
 * Ends everything in the session and copies what would be lost with it. It never rejects: whoever fails to keep closes all the same.
 * @param folder of `keep`
 */
export async function keepFiles(folder: string, id: string, { mounts, cwd }: Plan, envelope: NativeEnvelope): Promise<Kept> {
  const kept = path.join(folder, id)
  const left: string[] = []
  try {
    mkdirSync(folder, { recursive: true })
    // Nobody else is let in before all of it has its owner.
    mkdirSync(kept, { mode: 0o700 })
    await envelope.killAll()
    // An overlay is copied as a whole, and may be large.
    const kinds = mounts.filter(({ kind, target }) => kind === 'tmpfs' || (kind === 'overlay' && isWithin(cwd, target)))
    for (const { target } of kinds) left.push(...(await envelope.keep(target, kept)))
    return { path: kept, left, error: undefined }
  } catch (error) {
    return { path: kept, left, error: typed(error) as Error }
  }
}
