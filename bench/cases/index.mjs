// All cases, in the order in which they are told.
import { coldBuild } from './cold-build.mjs'
import { coldInputs } from './cold-inputs.mjs'
import { commandLine } from './command-line.mjs'
import { compile } from './compile.mjs'
import { concurrency } from './concurrency.mjs'
import { eventLoop } from './event-loop.mjs'
import { hostMounts } from './host-mounts.mjs'
import { limits } from './limits.mjs'
import { loopback } from './loopback.mjs'
import { parentSize } from './parent-size.mjs'
import { phases } from './phases.mjs'
import { pool } from './pool.mjs'
import { sessionMemory } from './session-memory.mjs'
import { stdout } from './stdout.mjs'
import { stoppedLaunches } from './stopped-launches.mjs'
import { warmRun } from './warm-run.mjs'

const all = [phases, warmRun, coldBuild, coldInputs, limits, loopback, pool, concurrency, eventLoop, parentSize, hostMounts, sessionMemory, stdout, stoppedLaunches, compile, commandLine]

/** The cases that there are on a system. A case is `{ name, title, systems?, isBrief?, run(bench) }`; brief ones are those that one gets without asking. */
export function casesOn(platform) {
  return all.filter(({ systems }) => systems === undefined || systems.includes(platform))
}
