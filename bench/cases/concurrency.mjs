// How many builds a second, with as many at once as there are cores and with twice as many.
import { availableParallelism } from 'node:os'

import { planOf } from '../../dist/index.js'
import { availableOf } from '../measure/available.mjs'
import { takeTurns } from '../measure/turns.mjs'
import { bubblewrapFromNode } from '../peers/bubblewrap.mjs'
import { specWith } from './folders.mjs'
import { serveLanes, subjectsOf } from './own-program.mjs'

export const concurrency = {
  name: 'concurrency',
  title: 'builds of `true` a second, 10 inputs each, by how many run at once',
  isBrief: true,
  async run(bench) {
    const cores = availableParallelism()
    // An output is lent to one session at a time.
    const specs = Array.from({ length: 2 * cores }, (_, lane) => specWith(bench, 10, `output-${lane}`))
    const serve = (series) => serveLanes(series, specs, bench.isQuick ? 60 : 200)
    const { available, missing } = await availableOf({
      'build(plan)': () => serve('build(plan)'),
      ...(process.platform === 'linux' && {
        'bwrap from Node': () => bubblewrapFromNode(planOf(specs[0]), ['true']) && serve('bwrap from Node'),
      }),
      'child_process.spawn': () => serve('child_process.spawn'),
    })
    const cells = Object.entries(available).flatMap(([series, served]) =>
      [1, 2].map((times) => [`${series}, ${times} x cores`, served.subject(times * cores)]),
    )
    const taken = await takeTurns(Object.fromEntries(cells), { samples: bench.isQuick ? 4 : 50, perBlock: 2 })
    await Promise.all(Object.values(available).map((served) => served.close()))
    return { subjects: subjectsOf(taken, 'builds/s'), notMeasured: missing }
  },
}
