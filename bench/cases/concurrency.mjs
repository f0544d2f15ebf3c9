// How many builds a second, at one to four times as many at once as there are cores.
import { availableParallelism } from 'node:os'

import { planOf } from '../../dist/index.js'
import { availableOf } from '../measure/available.mjs'
import { takeTurns } from '../measure/turns.mjs'
import { bubblewrapFromNode } from '../peers/bubblewrap.mjs'
import { folder, specWith } from './folders.mjs'
import { requestOf, serveLanes } from './own-program.mjs'

const perCore = [1, 2, 3, 4]

export const concurrency = {
  name: 'concurrency',
  title: 'builds of `true` a second, 10 inputs each, by how many run at once',
  axis: 'builds at once',
  async run(bench) {
    const most = availableParallelism() * perCore.at(-1)
    const { inputs } = specWith(bench, 10)
    // An output is lent to one session at a time.
    const specs = Array.from({ length: most }, (_, lane) => ({ inputs, output: folder(bench, `output-${lane}`) }))
    const serve = (series) => serveLanes(series, specs, bench.isQuick ? 60 : 200)
    const { available, notMeasured } = await availableOf({
      'build(plan)': () => serve('build(plan)'),
      ...(process.platform === 'linux' && {
        'bwrap from Node': () => bubblewrapFromNode(planOf(specs[0]), ['true']) && serve('bwrap from Node'),
      }),
      'child_process.spawn': () => serve('child_process.spawn'),
    })
    const cells = Object.keys(available).flatMap((series) =>
      perCore.map((times) => ({ series, x: times * availableParallelism(), name: `${series}, ${times} x cores` })),
    )
    const taken = await takeTurns(
      Object.fromEntries(cells.map(({ name, series, x }) => [name, requestOf(available[series], x)])),
      { samples: bench.isQuick ? 4 : 50, perBlock: 2, onTurn: bench.progress },
    )
    await Promise.all(Object.values(available).map((served) => served.close()))
    const subjects = cells.map(({ name, series, x }) => ({ name, series, x, unit: 'builds/s', samples: taken[name] }))
    return { subjects, notMeasured }
  },
}
