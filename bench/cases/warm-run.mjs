// One more command in a session that is open, against the same command without any jail.
import { planOf } from '../../dist/index.js'
import { serveFloor } from '../floor/serve.mjs'
import { availableOf } from '../measure/available.mjs'
import { specWith } from './folders.mjs'
import { inRounds } from './in-rounds.mjs'
import { requestOf, serveController } from './own-program.mjs'

export const warmRun = {
  name: 'warm-run',
  title: '`true` in an open session, its output collected',
  async run(bench) {
    // The folder that a session writes to is no other session's, so there is none.
    const spec = { ...specWith(bench, 10), output: undefined }
    const plan = planOf(spec)
    return inRounds(bench, 10, async () => {
      const { available, notMeasured } = await availableOf({ floor: () => serveFloor(bench, plan) })
      const { floor } = available
      const running = serveController(spec)
      const spawning = serveController({})
      return {
        // Spawns last: they take so long where the processor is emulated that what comes after them is no longer warm.
        stages: [
          {
            subjects: {
              'session.run': requestOf(running, 'run'),
              ...(floor && { floor: requestOf(floor, 'warm'), 'floor, without a session': requestOf(floor, 'bare') }),
            },
            samples: bench.samples(800),
          },
          { subjects: { 'child_process.spawn': requestOf(spawning, 'spawn') }, samples: bench.slowSamples(800) },
        ],
        end: async () => {
          await Promise.all([running.close(), spawning.close(), floor?.close()])
        },
        notMeasured,
      }
    })
  },
}
