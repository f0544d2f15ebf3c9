// A one-shot `build()` against the tools that do the same, and where its time goes.
import { build, openSession, planOf } from '../../dist/index.js'
import { serveFloor } from '../floor/serve.mjs'
import { availableOf } from '../measure/available.mjs'
import { action } from '../measure/turns.mjs'
import { bubblewrapFromNode, bubblewrapFromShell } from '../peers/bubblewrap.mjs'
import { unshareFromNode } from '../peers/unshare.mjs'
import { specWith } from './folders.mjs'
import { inRounds } from './in-rounds.mjs'
import { requestOf, serveController } from './own-program.mjs'
import { waterfallOf } from './waterfall.mjs'

const totals = (blocks) => blocks.map((parts) => parts.reduce((sum, part) => sum + part, 0))

export const coldBuild = {
  name: 'cold-build',
  title: 'a build of `true` in a session of its own: 10 inputs, 1 output, host toolchain',
  async run(bench) {
    const spec = specWith(bench, 10)
    // Made once, as the arguments of the peers are.
    const plan = planOf(spec)
    const traces = []
    const taken = await inRounds(bench, 5, async () => {
      const { available, notMeasured } = await availableOf({
        floor: () => serveFloor(bench, plan),
        ...(process.platform === 'linux' && {
          'bwrap from Node': () => bubblewrapFromNode(plan, ['true']),
          'bwrap from a shell': () => bubblewrapFromShell(plan, ['true']),
          'unshare from Node': () => unshareFromNode(bench, plan),
        }),
      })
      const { floor, 'bwrap from a shell': shell } = available
      const building = serveController(spec)
      const subjects = {
        'build(plan)': requestOf(building, 'build'),
        ...(floor && { floor: (count) => floor.block('cold', count).then(totals) }),
        'build(spec)': action(() => build(spec, ['true'])),
        ...(available['bwrap from Node'] && { 'bwrap from Node': action(available['bwrap from Node']) }),
        ...(shell && { 'bwrap from a shell': (count) => shell.block('cold', count).then(totals) }),
        ...(available['unshare from Node'] && { 'unshare from Node': action(available['unshare from Node']) }),
        'open, run, close': async (count) => {
          const traced = []
          for (let sample = 0; sample < count; sample += 1) traced.push(await tracedSession(plan))
          traces.push(...traced)
          return traced.map(({ phases }) => phases.reduce((sum, phase) => sum + phase, 0))
        },
      }
      return {
        stages: [{ subjects, samples: bench.samples(200) }],
        end: async () => {
          await Promise.all([building.close(), floor?.close(), shell?.close()])
        },
        notMeasured,
      }
    })
    return { ...taken, waterfall: waterfallOf(traces) }
  },
}

async function tracedSession(plan) {
  const times = [performance.now()]
  const session = await openSession(plan)
  times.push(performance.now())
  await session.run(['true'])
  times.push(performance.now())
  const opened = session.trace
  await session.close()
  times.push(performance.now())
  const closed = session.trace.slice(opened.length)
  return { phases: [0, 1, 2].map((phase) => times[phase + 1] - times[phase]), opened, closed }
}
