// One more command in a session that is open, against the same command without any jail.
import { planOf } from '../../dist/index.js'
import { serveFloor } from '../floor/serve.mjs'
import { availableOf } from '../measure/available.mjs'
import { takeTurns } from '../measure/turns.mjs'
import { specWith } from './folders.mjs'
import { requestOf, serveController } from './own-program.mjs'

export const warmRun = {
  name: 'warm-run',
  title: '`true` in an open session, its output collected',
  async run(bench) {
    // The folder that a session writes to is no other session's, so there is none.
    const spec = { ...specWith(bench, 10), output: undefined }
    const { available, notMeasured } = await availableOf({ floor: () => serveFloor(bench, planOf(spec)) })
    const { floor } = available
    const running = serveController(spec)
    const spawning = serveController({})
    const taken = await takeTurns(
      {
        'session.run': requestOf(running, 'run'),
        'child_process.spawn': requestOf(spawning, 'spawn'),
        ...(floor && { floor: requestOf(floor, 'warm'), 'floor, without a session': requestOf(floor, 'bare') }),
      },
      { samples: bench.samples(800), perBlock: bench.perBlock(50), warmUp: bench.warmUp, onTurn: bench.progress },
    )
    await Promise.all([running.close(), spawning.close(), floor?.close()])
    return { subjects: Object.entries(taken).map(([name, samples]) => ({ name, unit: 'ms', samples })), notMeasured }
  },
}
