// FreeBSD: a cold session against the system's own tools.
import { build, planOf } from '../../dist/index.js'
import { action, takeTurns } from '../measure/turns.mjs'
import { jailFromNode } from '../peers/jail.mjs'
import { shellPrototype } from '../peers/shell-prototype.mjs'
import { folder } from './folders.mjs'

export const coldShell = {
  name: 'cold-shell',
  title: "a build of `true` in a session of its own: 1 input, 1 output, host toolchain, against FreeBSD's own tools",
  systems: ['freebsd'],
  async run(bench) {
    const plan = planOf({ inputs: { src: folder(bench, 'input') }, output: folder(bench, 'output') })
    const taken = await takeTurns(
      {
        'build(plan)': action(() => build(plan, ['true'])),
        'shell prototype': action(shellPrototype(bench, ['true'])),
        'jail -c with mount.fstab': action(jailFromNode(bench, plan)),
      },
      { samples: bench.samples(200), perBlock: bench.perBlock(10), warmUp: bench.warmUp, onTurn: bench.progress },
    )
    return { subjects: Object.entries(taken).map(([name, samples]) => ({ name, unit: 'ms', samples })) }
  },
}
