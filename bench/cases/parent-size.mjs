// Whether a build costs more in a big program: one parent of 50 MB resident memory and one of 2 GB, in turn.
import { freemem } from 'node:os'

import { NotMeasured } from '../measure/available.mjs'
import { folder } from './folders.mjs'
import { inRounds, serveController } from './own-program.mjs'

const roomMebibytes = 2560

export const parentSize = {
  name: 'parent-size',
  title: 'a build and a run of `true`, by the resident memory of the program that starts it',
  async run(bench) {
    const free = Math.floor(freemem() / 2 ** 20)
    if (free < roomMebibytes) throw new NotMeasured(`${free} MiB of memory are free, and ${roomMebibytes} are needed`)
    return inRounds(bench, { rounds: 5, samples: 1000 }, async () => {
      const parents = Object.entries({ '50 MB': 50, '2 GB': 2048 }).map(([size, mebibytes]) => {
        const spec = { output: folder(bench, `output-${mebibytes}`) }
        return { size, served: serveController(spec, { mebibytes }) }
      })
      const subjects = ['build', 'run'].flatMap((request) => parents.map(({ size, served }) => [`${request}, ${size}`, served.subject(request)]))
      return { subjects: Object.fromEntries(subjects), end: () => Promise.all(parents.map(({ served }) => served.close())) }
    })
  },
}
