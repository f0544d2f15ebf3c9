import type { BigIntStats } from 'node:fs'

import { bare } from './bare.ts'
import type { Identity } from './plan-types.ts'

/** A source is known again by this. */
export function identityOf(stats: BigIntStats): Identity {
  return bare({ dev: String(stats.dev), ino: String(stats.ino) })
}
