import { setTimeout as sleep } from 'node:timers/promises'

import { spareNetworks } from '../../scripts/soak/open-descriptors.mjs'
import { openSession, type Spec } from '../../src/index.ts'

/** On Linux, for root. */
export const hasSpare: boolean = process.platform === 'linux' && process.geteuid?.() === 0

/**
 * On Linux the network of the next session is made ahead, by a thread of its own, where the caller is root
 * (native/linux/networks). Whether it is there decides which calls the next opening makes. One that was taken by an
 * opening that failed is replaced after the next that does not.
 */
export async function spareIsReady(network: Spec['network'] = 'none'): Promise<void> {
  if (!hasSpare) return
  const isReady = (): boolean => spareNetworks() > 0
  if (isReady()) return
  await (await openSession({ network })).close()
  while (!isReady()) await sleep(1)
}
