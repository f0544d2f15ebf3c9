// A session taken from a pool, one command in it, and its end.
import { specWith } from './folders.mjs'
import { inRounds, serveController } from './own-program.mjs'

export const pool = {
  name: 'pool',
  title: 'a session with 2 inputs from a pool, `true` in it, and its end',
  isBrief: true,
  async run(bench) {
    const additions = specWith(bench, 2)
    return inRounds(bench, { rounds: 5, samples: 800 }, async () => {
      const user = serveController(additions)
      const spawning = serveController({})
      const subjects = {
        'pool.run': user.subject('pooled'),
        'pool.run, back to back': user.subject('pooled-at-once'),
        'child_process.spawn': spawning.subject('spawn-paced'),
      }
      return { subjects, end: () => Promise.all([user.close(), spawning.close()]) }
    })
  },
}
