// Whether a build costs more on a host that holds many mounts already. Each number of mounts is a mount namespace of its own,
// with a program in it that builds.
import { writeFileSync } from 'node:fs'
import path from 'node:path'

import { NotMeasured } from '../measure/available.mjs'
import { folder, specWith } from './folders.mjs'
import { inRounds, serveController } from './own-program.mjs'

export const hostMounts = {
  name: 'host-mounts',
  title: 'a build of `true` with 10 inputs, by how many mounts the host holds',
  systems: ['linux'],
  async run(bench) {
    if (process.geteuid() !== 0) throw new NotMeasured('mounts on the host need root')
    return inRounds(bench, { rounds: 5, samples: 400 }, async () => {
      const counts = [0, 100, 1000]
      const hosts = counts.map((count) => serveController(specWith(bench, 10, `output-${count}`), { mounts: fstab(bench, count) }))
      const subjects = hosts.map((host, index) => [`build, ${counts[index]} mounts`, host.subject('build')])
      return { subjects: Object.fromEntries(subjects), end: () => Promise.all(hosts.map((host) => host.close())) }
    })
  },
}

function fstab(bench, count) {
  const file = path.join(bench.folder, `fstab-${count}`)
  const points = Array.from({ length: count }, (_, index) => folder(bench, path.join(`mounts-${count}`, String(index))))
  writeFileSync(file, points.map((point) => `${point} ${point} none bind 0 0\n`).join(''))
  return file
}
