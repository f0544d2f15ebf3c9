// One more command in a session that is open, against the same command without any jail.
import { openSession, planOf } from '../../dist/index.js'
import { serveFloor } from '../floor/serve.mjs'
import { availableOf } from '../measure/available.mjs'
import { action, takeTurns } from '../measure/turns.mjs'
import { spawnToEnd } from '../peers/spawn.mjs'
import { specWith } from './folders.mjs'

export const warmRun = {
  name: 'warm-run',
  title: '`true` in an open session, its output collected',
  async run(bench) {
    const plan = planOf(specWith(bench, 10))
    const session = await openSession(plan)
    // The folder that a session writes to is no other session's, so the floor's is another.
    const elsewhere = planOf({ ...specWith(bench, 10), output: undefined })
    const { available, notMeasured } = await availableOf({ floor: () => serveFloor(bench, elsewhere) })
    const { floor } = available
    const taken = await takeTurns(
      {
        'session.run': action(() => session.run(['true'])),
        'child_process.spawn': action(() => spawnToEnd('true')),
        ...(floor && {
          floor: (count) => floor.block('warm', count).then((samples) => samples.flat()),
          'floor, without a session': (count) => floor.block('bare', count).then((samples) => samples.flat()),
        }),
      },
      { samples: bench.samples(400), perBlock: bench.perBlock(20), onTurn: bench.progress },
    )
    await floor?.close()
    await session.close()
    return { subjects: Object.entries(taken).map(([name, samples]) => ({ name, unit: 'ms', samples })), notMeasured }
  },
}
