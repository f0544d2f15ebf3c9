// Whether a build costs more with what may be asked for, in a big program, or on a host that holds many mounts already.
import { writeFileSync } from 'node:fs'
import { freemem } from 'node:os'
import path from 'node:path'

import { NotMeasured } from '../measure/not-measured.mjs'
import { folder, specWith } from './folders.mjs'
import { serveController } from './own-program.mjs'

const every = {
  memory: '1G', swap: 0, processes: 64, cpus: 1, cpuTime: 60_000, wallTime: 600_000,
  openFiles: 256, fileSize: '1G', tmpSize: '64M', tmpFiles: 1000, stdio: '1M',
}

export const limits = {
  name: 'limits',
  title: 'a build of `true` with 10 inputs and 1 output, and `true` in an open session, with every limit and with none',
  // Not brief: an ordinary user may have no cgroup.
  systems: ['linux'],
  settings: { rounds: 5, samples: 200 },
  subjects(bench) {
    const { inputs } = specWith(bench, 10)
    return {
      build: () => serveController(specWith(bench, 10, 'output-without')).subject('build'),
      'build, limited': () => serveController({ ...specWith(bench, 10, 'output-with'), limits: every }).subject('build'),
      run: () => serveController({ inputs }).subject('run'),
      'run, limited': () => serveController({ inputs, limits: every }).subject('run'),
    }
  },
}

export const loopback = {
  name: 'loopback',
  title: 'a build of `true` with 10 inputs and 1 output: without a network, with a loopback of its own, and with a network of one name',
  isBrief: true,
  systems: ['linux'],
  settings: { rounds: 5, samples: 200 },
  subjects: (bench) => ({
    none: () => serveController(specWith(bench, 10, 'output-without')).subject('build'),
    loopback: () => serveController({ ...specWith(bench, 10, 'output-with'), network: 'loopback' }).subject('build'),
    names: () => serveController({ ...specWith(bench, 10, 'output-names'), network: { allow: ['one.example:443'] } }).subject('build'),
  }),
}

const roomMebibytes = 2560

export const parentSize = {
  name: 'parent-size',
  title: 'a build and a run of `true`, by the resident memory of the program that starts it',
  settings: { rounds: 5, samples: 1000 },
  subjects(bench) {
    const free = Math.floor(freemem() / 2 ** 20)
    if (free < roomMebibytes) throw new NotMeasured(`${free} MiB of memory are free, and ${roomMebibytes} are needed`)
    const small = serveController({ output: folder(bench, 'output-small') }, { mebibytes: 50 })
    const big = serveController({ output: folder(bench, 'output-big') }, { mebibytes: 2048 })
    return {
      'build, 50 MB': () => small.subject('build'),
      'build, 2 GB': () => big.subject('build'),
      'run, 50 MB': () => small.subject('run'),
      'run, 2 GB': () => big.subject('run'),
    }
  },
}

/** Each number of mounts is a mount namespace of its own, with a program in it that builds. */
export const hostMounts = {
  name: 'host-mounts',
  title: 'a build of `true` with 10 inputs, by how many mounts the host holds',
  systems: ['linux'],
  settings: { rounds: 5, samples: 400 },
  subjects(bench) {
    if (process.geteuid() !== 0) throw new NotMeasured('mounts on the host need root')
    const on = (count) => () => serveController(specWith(bench, 10, `output-${count}`), { mounts: fstab(bench, count) }).subject('build')
    return Object.fromEntries([0, 100, 1000].map((count) => [`build, ${count} mounts`, on(count)]))
  },
}

function fstab(bench, count) {
  const file = path.join(bench.folder, `fstab-${count}`)
  const points = Array.from({ length: count }, (_, index) => folder(bench, path.join(`mounts-${count}`, String(index))))
  writeFileSync(file, points.map((point) => `${point} ${point} none bind 0 0\n`).join(''))
  return file
}
