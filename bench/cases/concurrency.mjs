// How many builds a second, at one to four times as many at once as there are cores.
import { availableParallelism } from 'node:os'

import { build, planOf } from '../../dist/index.js'
import { availableOf } from '../measure/available.mjs'
import { takeTurns } from '../measure/turns.mjs'
import { bubblewrapFromNode } from '../peers/bubblewrap.mjs'
import { spawnToEnd } from '../peers/spawn.mjs'
import { folder, specWith } from './folders.mjs'

const perCore = [1, 2, 3, 4]

export const concurrency = {
  name: 'concurrency',
  title: 'builds of `true` a second, 10 inputs each, by how many run at once',
  axis: 'builds at once',
  async run(bench) {
    const most = availableParallelism() * perCore.at(-1)
    const { inputs } = specWith(bench, 10)
    // An output is lent to one session at a time.
    const plans = Array.from({ length: most }, (_, lane) => planOf({ inputs, output: folder(bench, `output-${lane}`) }))
    const { available, notMeasured } = await availableOf({
      ...(process.platform === 'linux' && {
        'bwrap from Node': () => plans.map((plan) => bubblewrapFromNode(plan, ['true'])),
      }),
    })
    const bubblewrap = available['bwrap from Node']
    const makers = {
      'build(plan)': (lane) => build(plans[lane], ['true']),
      ...(bubblewrap && { 'bwrap from Node': (lane) => bubblewrap[lane]() }),
      'child_process.spawn': () => spawnToEnd('true'),
    }
    const cells = Object.entries(makers).flatMap(([series, start]) =>
      perCore.map((times) => ({ series, start, x: times * availableParallelism(), name: `${series}, ${times} x cores` })),
    )
    const windowMs = bench.isQuick ? 60 : 200
    const taken = await takeTurns(
      Object.fromEntries(cells.map(({ name, start, x }) => [name, (count) => windows(start, x, count, windowMs)])),
      { samples: bench.isQuick ? 4 : 50, perBlock: 2, onTurn: bench.progress },
    )
    const subjects = cells.map(({ name, series, x }) => ({ name, series, x, unit: 'builds/s', samples: taken[name] }))
    return { subjects, notMeasured }
  },
}

/** The rate in each of so many windows, with `lanes` always at work. */
async function windows(start, lanes, count, ms) {
  const rates = []
  for (let window = 0; window < count; window += 1) {
    let ended = 0
    const began = performance.now()
    const lane = async (index) => {
      do {
        await start(index)
        ended += 1
      } while (performance.now() - began < ms)
    }
    await Promise.all(Array.from({ length: lanes }, (_, index) => lane(index)))
    rates.push((ended * 1000) / (performance.now() - began))
  }
  return rates
}
