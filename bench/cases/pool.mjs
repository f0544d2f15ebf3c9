// A session taken from a pool, one command in it, and its end.
import { takeTurns } from '../measure/turns.mjs'
import { specWith } from './folders.mjs'
import { requestOf, serveController, servePoolUser } from './own-program.mjs'

export const pool = {
  name: 'pool',
  title: 'acquire a session with 2 inputs from a pool, run `true` in it, release it',
  async run(bench) {
    const { inputs, output } = specWith(bench, 2)
    const user = servePoolUser({ inputs, output })
    const spawning = serveController({})
    const taken = await takeTurns(
      {
        'pool.run': requestOf(user, 'run'),
        'acquire, run, release': requestOf(user, 'release'),
        'acquire, run, close': requestOf(user, 'close'),
        'acquire, run, close, back to back': requestOf(user, 'unready'),
        'child_process.spawn': requestOf(spawning, 'spawn-paced'),
      },
      { samples: bench.slowSamples(800), perBlock: bench.perBlock(10), warmUp: bench.warmUp, onTurn: bench.progress },
    )
    await user.close()
    await spawning.close()
    return { subjects: Object.entries(taken).map(([name, samples]) => ({ name, unit: 'ms', samples })) }
  },
}
