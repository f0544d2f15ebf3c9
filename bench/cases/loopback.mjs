// A one-shot `build()` with a loopback of its own against one without a network.
import { specWith } from './folders.mjs'
import { inRounds, serveController } from './own-program.mjs'

export const loopback = {
  name: 'loopback',
  title: 'a build of `true` with 10 inputs and 1 output, with a loopback of its own and without a network',
  isBrief: true,
  systems: ['linux'],
  async run(bench) {
    return inRounds(bench, { rounds: 5, samples: 200 }, async () => {
      const without = serveController(specWith(bench, 10, 'output-without'))
      const building = serveController({ ...specWith(bench, 10, 'output-with'), network: 'loopback' })
      const subjects = { none: without.subject('build'), loopback: building.subject('build') }
      return { subjects, end: () => Promise.all([without.close(), building.close()]) }
    })
  },
}
