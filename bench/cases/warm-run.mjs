// One more command in a session that is open, against the same command without any jail.
import { planOf } from '../../dist/index.js'
import { serveFloor } from '../floor/serve.mjs'
import { availableOf } from '../measure/available.mjs'
import { specWith } from './folders.mjs'
import { inRounds, serveController } from './own-program.mjs'

export const warmRun = {
  name: 'warm-run',
  title: '`true` in an open session, its output collected',
  isBrief: true,
  async run(bench) {
    // The folder that a session writes to is no other session's, so there is none.
    const { inputs } = specWith(bench, 10)
    return inRounds(bench, { rounds: 10, samples: 800 }, async () => {
      const { available, missing } = await availableOf({ floor: () => serveFloor(bench, planOf({ inputs })) })
      const { floor } = available
      const running = serveController({ inputs })
      const spawning = serveController({})
      const subjects = {
        'session.run': running.subject('run'),
        'child_process.spawn': spawning.subject('spawn'),
        ...(floor && { floor: floor.subject('bare'), 'floor, inside': floor.subject('warm') }),
      }
      return { subjects, end: () => Promise.all([running.close(), spawning.close(), floor?.close()]), missing }
    })
  },
}
