// All cases, in the order in which they are told.
import { concurrency, eventLoop, sessionMemory } from './at-once.mjs'
import { hostMounts, limits, loopback, parentSize } from './circumstances.mjs'
import { commandLine, hereCommand } from './command-line.mjs'
import { compile } from './compile.mjs'
import { hostileNeighbour } from './hostile-neighbour.mjs'
import { largeOutput } from './large-output.mjs'
import { allowedNetwork } from './network.mjs'
import { phases } from './phases.mjs'
import { coldBuild, coldInputs, pool, warmRun } from './sessions.mjs'
import { specStall } from './spec-stall.mjs'
import { stdout } from './stdout.mjs'
import { stoppedLaunches } from './stopped-launches.mjs'
import { traced } from './traced.mjs'

const all = [phases, warmRun, coldBuild, coldInputs, limits, loopback, pool, concurrency, eventLoop, specStall, parentSize, hostMounts, sessionMemory, stdout, stoppedLaunches, hostileNeighbour, compile, largeOutput, traced, commandLine, hereCommand, allowedNetwork]

/**
 * The cases that there are on a system. A case is `{ name, title, systems?, isBrief? }`, of which brief ones are those that one gets without
 * asking, with `settings` and `subjects(bench)` for inRounds (measure/turns.mjs), or with `run(bench)`.
 */
export function casesOn(platform) {
  return all.filter(({ systems }) => systems === undefined || systems.includes(platform))
}
