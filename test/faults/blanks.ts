import { setTimeout as sleep } from 'node:timers/promises'

import { blanks, mostBlanks } from '../../scripts/soak/open-descriptors.mjs'
import { openSession } from '../../src/index.ts'

/**
 * On Linux the namespaces of the next sessions are made ahead, by a thread of its own (native/linux/blanks). Whether some are there
 * decides which calls the next opening makes. They are made as the last session was to be born, from the second session on, and end when
 * none is opened for a while. Where an opening fails, what then looks for the reason may open some that are born otherwise.
 */
export async function blanksAreReady(): Promise<void> {
  if (process.platform !== 'linux') return
  for (let waited = 0; waited === 0 || blanks() < mostBlanks; waited += 1) {
    if (waited % 1000 === 0) await (await openSession({})).close()
    await sleep(1)
  }
}
