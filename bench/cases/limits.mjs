// What limits cost: a one-shot `build()` and a command in an open session, each with every limit and with none.
import { specWith } from './folders.mjs'
import { inRounds, serveController } from './own-program.mjs'

const every = {
  memory: '1G',
  swap: 0,
  processes: 64,
  cpus: 1,
  cpuTime: 60_000,
  openFiles: 256,
  fileSize: '1G',
  tmpSize: '64M',
  tmpFiles: 1000,
  output: '1M',
  wallTime: 600_000,
}

export const limits = {
  name: 'limits',
  title: 'a build of `true` with 10 inputs and 1 output, and `true` in an open session, with every limit and with none',
  // Not brief: an ordinary user may have no cgroup.
  systems: ['linux'],
  async run(bench) {
    return inRounds(bench, { rounds: 5, samples: 200 }, async () => {
      const { inputs } = specWith(bench, 10)
      const building = serveController(specWith(bench, 10, 'output-without'))
      const buildingLimited = serveController({ ...specWith(bench, 10, 'output-with'), limits: every })
      const running = serveController({ inputs })
      const runningLimited = serveController({ inputs, limits: every })
      const subjects = {
        build: building.subject('build'),
        'build, limited': buildingLimited.subject('build'),
        run: running.subject('run'),
        'run, limited': runningLimited.subject('run'),
      }
      return { subjects, end: () => Promise.all([building, buildingLimited, running, runningLimited].map((one) => one.close())) }
    })
  },
}
