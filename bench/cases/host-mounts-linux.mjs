// On Linux each number of mounts is a mount namespace of its own, with a program in it that builds.
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { NotMeasured } from '../measure/not-measured.mjs'
import { Served } from '../measure/served.mjs'
import { folder, specWith } from './folders.mjs'

const controller = fileURLToPath(new URL('controller.mjs', import.meta.url))
const script = 'mount -a -T "$1" && shift && exec "$@"'

/** A subject for each count; `release` ends the programs, and their mounts with them. */
export async function hostsWithMounts(bench, counts) {
  if (process.geteuid() !== 0) throw new NotMeasured('mounts on the host need root')
  const hosts = counts.map((count) => {
    const { inputs } = specWith(bench, 10)
    const spec = { inputs, output: folder(bench, `output-${count}`) }
    const words = [process.execPath, controller, JSON.stringify(spec), '0']
    return new Served('unshare', ['--mount', 'sh', '-c', script, 'sh', fstab(bench, count), ...words])
  })
  const build = (host) => async (samples) => (await host.block('build', samples)).flat()
  return { subjects: hosts.map(build), release: () => Promise.all(hosts.map((host) => host.close())) }
}

function fstab(bench, count) {
  const top = folder(bench, `mounts-${count}`)
  const file = path.join(bench.folder, `fstab-${count}`)
  const points = Array.from({ length: count }, (_, index) => path.join(top, String(index)))
  for (const point of points) mkdirSync(point)
  writeFileSync(file, points.map((point) => `${point} ${point} none bind 0 0\n`).join(''))
  return file
}
