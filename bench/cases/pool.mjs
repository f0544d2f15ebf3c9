// A session taken from a pool, one command in it, and its end.
import { NotMeasured } from '../measure/not-measured.mjs'
import { action, takeTurns } from '../measure/turns.mjs'
import { spawnToEnd } from '../peers/spawn.mjs'
import { specWith } from './folders.mjs'

const size = 4

export const pool = {
  name: 'pool',
  title: 'acquire a session with 2 inputs from a pool, run `true` in it, release it',
  async run(bench) {
    // Looked up when it is wanted: not every version has one.
    const { SessionPool } = await import('../../dist/index.js')
    if (SessionPool === undefined) throw new NotMeasured('no SessionPool in this version')
    const { inputs, output } = specWith(bench, 2)
    const sessions = await SessionPool.open({}, { size })
    const use = async () => {
      const session = await sessions.acquire({ inputs, output })
      await session.run(['true'])
      await session.close()
    }
    const taken = await takeTurns(
      {
        'acquire, run, close': whenFull(sessions, use),
        'acquire, run, close, back to back': action(use),
        'child_process.spawn': action(() => spawnToEnd('true')),
      },
      { samples: bench.samples(200), perBlock: bench.perBlock(10), onTurn: bench.progress },
    )
    await sessions.close()
    return { subjects: Object.entries(taken).map(([name, samples]) => ({ name, unit: 'ms', samples })) }
  },
}

// What a pool is for is to be ready; how it fares when it cannot keep up is the subject beside this one.
function whenFull(sessions, use) {
  const one = action(use)
  return async (count) => {
    const samples = []
    while (samples.length < count) {
      while (sessions.ready < size) await new Promise((resolve) => setTimeout(resolve, 1))
      samples.push(...(await one(1)))
    }
    return samples
  }
}
