// A subject in a program of its own. A program that has had another for its child is slower in two ways, which are no
// matter of the subject's: it gets SIGCHLD for whatever ends, which wakes its event loop, and where it forked, its memory is
// copied as it is written to.
import { fileURLToPath } from 'node:url'

import { Served } from '../measure/served.mjs'
import { takeRounds } from '../measure/turns.mjs'

// A bare runtime is about 50 MB already, if its young garbage is not let grow.
const flags = globalThis.Bun === undefined ? ['--max-semi-space-size=1'] : []

const fileOf = (program) => fileURLToPath(new URL(program, import.meta.url))

/** Serves builds, runs and more of a spec (controller.mjs), in a big program or on a host with the mounts of an fstab(5). */
export function serveController(spec, { mebibytes = 0, mounts } = {}) {
  const words = [...(mebibytes > 0 ? flags : []), fileOf('controller.mjs'), JSON.stringify(spec), String(mebibytes)]
  if (mounts === undefined) return new Served(process.execPath, words)
  return new Served('unshare', ['--mount', 'sh', '-c', 'mount -a -T "$1" && shift && exec "$@"', 'sh', mounts, process.execPath, ...words])
}

/** Serves rates by how many are at work, each by a spec of its own (lanes.mjs). */
export function serveLanes(series, specs, windowMs) {
  return new Served(process.execPath, [fileOf('lanes.mjs'), series, JSON.stringify(specs), String(windowMs)])
}

/** Takes the samples of a case whose subjects are in programs of their own. @param begin as takeRounds has it, and what a round cannot measure */
export async function inRounds(bench, { rounds, samples }, begin) {
  const settings = { rounds: bench.rounds(rounds), samples: bench.samples(samples), perBlock: bench.perBlock(10), warmUp: bench.warmUp }
  let notMeasured
  const taken = await takeRounds(async () => {
    const round = await begin()
    notMeasured = round.missing
    return round
  }, settings)
  return { subjects: subjectsOf(taken), rounds: settings.rounds, notMeasured }
}

export function subjectsOf(taken, unit = 'ms') {
  return Object.entries(taken).map(([name, samples]) => ({ name, unit, samples }))
}
