// FreeBSD: a cold session against the system's own tools.
import { planOf } from '../../dist/index.js'
import { action, takeTurns } from '../measure/turns.mjs'
import { jailFromNode } from '../peers/jail.mjs'
import { shellPrototype } from '../peers/shell-prototype.mjs'
import { folder } from './folders.mjs'
import { requestOf, serveController } from './own-program.mjs'
import { trueCommand } from './true-command.mjs'

export const coldShell = {
  name: 'cold-shell',
  title: "a build of `true` in a session of its own: 1 input, 1 output, host toolchain, against FreeBSD's own tools",
  systems: ['freebsd'],
  async run(bench) {
    const spec = { inputs: { src: folder(bench, 'input') }, output: folder(bench, 'output') }
    const building = serveController(spec)
    const taken = await takeTurns(
      {
        'build(plan)': requestOf(building, 'build'),
        'shell prototype': action(shellPrototype(bench, [trueCommand()])),
        'jail -c with mount.fstab': action(jailFromNode(bench, planOf(spec))),
      },
      { samples: bench.slowSamples(200), perBlock: bench.perBlock(10), warmUp: bench.warmUp, onTurn: bench.progress },
    )
    await building.close()
    return { subjects: Object.entries(taken).map(([name, samples]) => ({ name, unit: 'ms', samples })) }
  },
}
