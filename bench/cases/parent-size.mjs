// Whether a build costs more in a big program: one parent of 50 MB resident memory and one of 2 GB, in turn.
import { freemem } from 'node:os'
import { fileURLToPath } from 'node:url'

import { NotMeasured } from '../measure/not-measured.mjs'
import { Served } from '../measure/served.mjs'
import { folder } from './folders.mjs'
import { inRounds } from './in-rounds.mjs'

const controller = fileURLToPath(new URL('controller.mjs', import.meta.url))
// A bare runtime is about the smaller already, if its young garbage is not let grow.
const flags = globalThis.Bun === undefined ? ['--max-semi-space-size=1'] : []
const sizes = { '50 MB': 50, '2 GB': 2048 }
const roomMebibytes = 2560

export const parentSize = {
  name: 'parent-size',
  title: 'a build, a run and a spawn of `true`, by the resident memory of the program that starts it',
  async run(bench) {
    const free = Math.floor(freemem() / 2 ** 20)
    if (free < roomMebibytes) throw new NotMeasured(`${free} MiB of memory are free, and ${roomMebibytes} are needed`)
    const resident = Object.fromEntries(Object.keys(sizes).map((size) => [`resident memory, ${size}`, []]))
    const taken = await inRounds(bench, 5, async () => beginRound(bench, resident))
    const residents = Object.entries(resident).map(([name, samples]) => ({ name, unit: 'MiB', samples }))
    return { ...taken, subjects: [...taken.subjects, ...residents] }
  },
}

function beginRound(bench, resident) {
  const parents = Object.entries(sizes).map(([size, mebibytes]) => {
    const spec = { output: folder(bench, `output-${mebibytes}`) }
    return { size, served: new Served(process.execPath, [...flags, controller, JSON.stringify(spec), String(mebibytes)]) }
  })
  const subjectsOf = (requests) =>
    Object.fromEntries(requests.flatMap((request) => parents.map(({ size, served }) => [`${request}, ${size}`, block(served, request)])))
  const samples = bench.samples(1000)
  // Not builds and runs in turn: in an emulated guest the parent that came right after builds was the slower one, in its builds as in
  // its runs, so that it mattered which one was asked first.
  const own = ['build', 'run'].map((request) => ({ subjects: subjectsOf([request]), samples }))
  // Spawns last: what of a parent's memory is written to after its fork(2) is copied then, which a build would pay for. And a
  // spawn from 2 GB takes so long that a quick run would not be one.
  const spawning = { subjects: subjectsOf(['spawn']), samples: bench.slowSamples(200) }
  const end = async () => {
    for (const { size, served } of parents) {
      const [[rss]] = await served.block('resident', 1)
      resident[`resident memory, ${size}`].push((rss * 1e6) / 2 ** 20)
      await served.close()
    }
  }
  return { stages: bench.isQuick ? own : [...own, spawning], end, notMeasured: bench.isQuick ? { spawn: 'not in a quick run' } : {} }
}

function block(served, request) {
  return async (count) => (await served.block(request, count)).flat()
}
