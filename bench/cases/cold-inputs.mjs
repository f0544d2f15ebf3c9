// A cold session by the number of its inputs: whether its cost is linear, and how steep.
import { planOf } from '../../dist/index.js'
import { serveFloor } from '../floor/serve.mjs'
import { availableOf } from '../measure/available.mjs'
import { takeTurns } from '../measure/turns.mjs'
import { specWith } from './folders.mjs'
import { serveController } from './own-program.mjs'

export const coldInputs = {
  name: 'cold-inputs',
  title: 'a session that is opened, runs `true` and is closed, by the number of its inputs',
  async run(bench) {
    const subjects = []
    let notMeasured
    for (const inputs of [0, 10, 100, 1000]) {
      const spec = specWith(bench, inputs)
      const { available, missing } = await availableOf({ floor: () => serveFloor(bench, planOf(spec)) })
      notMeasured = missing
      const session = serveController(spec)
      const taken = await takeTurns(
        { session: session.subject('phases'), ...(available.floor && { floor: available.floor.subject('cold') }) },
        { samples: bench.samples(200), perBlock: bench.perBlock(inputs > 100 ? 2 : 10), warmUp: bench.warmUp },
      )
      await Promise.all([session.close(), available.floor?.close()])
      for (const [series, samples] of Object.entries(taken)) {
        subjects.push({ name: `${series}, ${inputs} inputs`, series, x: inputs, unit: 'ms', samples })
      }
    }
    return { subjects, notMeasured }
  },
}
