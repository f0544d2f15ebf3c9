import type { BigIntStats } from 'node:fs'

import { bare } from './bare.ts'
import type { Identity } from './plan-types.ts'

/** How a source is known again. */
export function identityOf(stats: BigIntStats): Identity {
  return bare({ dev: String(stats.dev), ino: String(stats.ino) })
}
