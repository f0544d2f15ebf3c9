// Whether a build costs more on a host that holds many mounts already.
import { takeTurns } from '../measure/turns.mjs'
import { mountsInThisHost } from './host-mounts-freebsd.mjs'
import { hostsWithMounts } from './host-mounts-linux.mjs'

const counts = [0, 100, 1000]

export const hostMounts = {
  name: 'host-mounts',
  title: 'a build of `true` with 10 inputs, by how many mounts the host holds',
  axis: 'mounts of the host',
  async run(bench) {
    const hold = process.platform === 'linux' ? hostsWithMounts : mountsInThisHost
    const { subjects, release } = await hold(bench, counts)
    try {
      const taken = await takeTurns(
        Object.fromEntries(counts.map((count, index) => [`build, ${count} mounts`, subjects[index]])),
        { samples: bench.samples(400), perBlock: bench.perBlock(20), warmUp: bench.warmUp, isBackAndForth: true, onTurn: bench.progress },
      )
      const named = Object.entries(taken).map(([name, samples], index) => ({ name, series: 'build(plan)', x: counts[index], samples }))
      return { subjects: named.map((subject) => ({ ...subject, unit: 'ms' })) }
    } finally {
      await release()
    }
  },
}
