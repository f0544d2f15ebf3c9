// A one-shot `build()` against what does the same.
import { planOf } from '../../dist/index.js'
import { serveFloor } from '../floor/serve.mjs'
import { availableOf } from '../measure/available.mjs'
import { action } from '../measure/turns.mjs'
import { bubblewrapFromNode } from '../peers/bubblewrap.mjs'
import { jailToolsFromNode } from '../peers/jail-tools.mjs'
import { specWith, trueCommand } from './folders.mjs'
import { inRounds, serveController } from './own-program.mjs'

export const coldBuild = {
  name: 'cold-build',
  title: 'a build of `true` in a session of its own: 10 inputs, 1 output, host toolchain',
  isBrief: true,
  async run(bench) {
    const spec = specWith(bench, 10)
    const plan = planOf(spec)
    return inRounds(bench, { rounds: 5, samples: 200 }, async () => {
      const { available, missing } = await availableOf({
        floor: () => serveFloor(bench, plan),
        ...(process.platform === 'linux' && { 'bwrap from Node': () => bubblewrapFromNode(plan, ['true']) }),
        ...(process.platform === 'freebsd' && { 'jail(8) from Node': () => jailToolsFromNode(plan, [trueCommand()]) }),
      })
      const { floor, 'bwrap from Node': bwrap, 'jail(8) from Node': jail } = available
      const building = serveController(spec)
      const subjects = {
        'build(plan)': building.subject('build'),
        ...(floor && { floor: floor.subject('cold') }),
        ...(bwrap && { 'bwrap from Node': action(bwrap) }),
        ...(jail && { 'jail(8) from Node': action(jail) }),
      }
      return { subjects, end: () => Promise.all([building.close(), floor?.close()]), missing }
    })
  },
}
