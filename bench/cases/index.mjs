// All cases, in the order in which they are told.
import { coldBuild } from './cold-build.mjs'
import { coldInputs } from './cold-inputs.mjs'
import { compile } from './compile.mjs'
import { concurrency } from './concurrency.mjs'
import { eventLoop } from './event-loop.mjs'
import { hostMounts } from './host-mounts.mjs'
import { parentSize } from './parent-size.mjs'
import { pool } from './pool.mjs'
import { sessionMemory } from './session-memory.mjs'
import { stdout } from './stdout.mjs'
import { warmRun } from './warm-run.mjs'

const all = [warmRun, coldBuild, coldInputs, pool, concurrency, eventLoop, parentSize, hostMounts, sessionMemory, stdout, compile]

/** The cases that there are on a system. A case is `{ name, title, systems?, run(bench) }`. */
export function casesOn(platform) {
  return all.filter(({ systems }) => systems === undefined || systems.includes(platform))
}
