// A cold session by the number of its inputs, and by phase: whether its cost is linear, and how steep.
import { openSession, planOf } from '../../dist/index.js'
import { serveFloor } from '../floor/serve.mjs'
import { availableOf } from '../measure/available.mjs'
import { takeTurns } from '../measure/turns.mjs'
import { specWith } from './folders.mjs'

const counts = [0, 10, 100, 1000]
const phases = ['open', 'run', 'close']

export const coldInputs = {
  name: 'cold-inputs',
  title: 'a cold session running `true`, by the number of inputs and by phase',
  axis: 'inputs',
  async run(bench) {
    const subjects = []
    let notMeasured = {}
    for (const [index, count] of counts.entries()) {
      const plan = planOf(specWith(bench, count))
      const found = await availableOf({ floor: () => serveFloor(bench, plan) })
      notMeasured = found.notMeasured
      const { floor } = found.available
      const taken = await takeTurns(
        { session: (samples) => inPhases(plan, samples), ...(floor && { floor: (samples) => floor.block('cold', samples) }) },
        {
          samples: bench.slowSamples(200),
          perBlock: bench.perBlock(count > 100 ? 2 : 10),
          warmUp: bench.warmUp,
          onTurn: (done, of) => bench.progress(index * of + done, counts.length * of),
        },
      )
      await floor?.close()
      for (const [name, samples] of Object.entries(taken)) subjects.push(...seriesOf(name, count, samples))
    }
    return { subjects, notMeasured }
  },
}

function seriesOf(name, x, samples) {
  const total = samples.map((parts) => parts.reduce((sum, part) => sum + part, 0))
  return [
    { name: `${name}, ${x} inputs`, series: name, x, unit: 'ms', samples: total },
    ...phases.map((phase, index) => ({
      name: `${name} ${phase}, ${x} inputs`,
      series: `${name} ${phase}`,
      chart: 'by phase, the floor dashed',
      hue: index,
      isDashed: name === 'floor',
      x,
      unit: 'ms',
      samples: samples.map((parts) => parts[index]),
    })),
  ]
}

async function inPhases(plan, count) {
  const samples = []
  for (let sample = 0; sample < count; sample += 1) {
    const times = [performance.now()]
    const session = await openSession(plan)
    times.push(performance.now())
    await session.run(['true'])
    times.push(performance.now())
    await session.close()
    times.push(performance.now())
    samples.push(phases.map((_, phase) => times[phase + 1] - times[phase]))
  }
  return samples
}
