// Compiles the floor program for the system it runs on, with whatever `cc` is.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { NotMeasured } from '../measure/not-measured.mjs'

const here = path.dirname(fileURLToPath(import.meta.url))
const init = path.join(here, '..', '..', 'native', 'linux', 'init', 'init.c')
const common = ['main.c', 'plan.c', 'command.c']
const sources = {
  linux: [...common, 'linux_mounts.c', 'linux_session.c'],
  freebsd: [...common, 'freebsd_mounts.c', 'freebsd_session.c'],
}

/** The C files of the floor program on a system; undefined where there is none. */
export const floorSources = (system) => sources[system]?.map((file) => path.join(here, file))

// Of scripts/freebsd/programs.mjs, for an image without a compiler.
const ready = path.join(here, '..', '..', 'prebuilds', `${process.platform}-${process.arch}-programs`, 'floor')

/** Puts the programs into the folder, or finds them ready. `{ floor, init? }`, their paths. */
export function compileFloor(folder) {
  if (process.platform === 'freebsd' && existsSync(ready)) return { floor: ready }
  const files = floorSources(process.platform)
  if (files === undefined) throw new NotMeasured(`there is no floor program for ${process.platform}`)
  const floor = path.join(folder, 'floor')
  const defines = process.platform === 'linux' ? ['-D_GNU_SOURCE'] : []
  compile(['-O2', ...defines, '-o', floor, ...files])
  if (process.platform !== 'linux') return { floor }
  // As in binding.gyp: pid 1 has nothing to load.
  const bare = ['-Os', '-static', '-nostdlib', '-ffreestanding', '-fno-stack-protector', '-fno-pie', '-no-pie', '-s']
  compile([...bare, '-o', path.join(folder, 'init'), init])
  return { floor, init: path.join(folder, 'init') }
}

function compile(args) {
  const { status, error, stderr } = spawnSync('cc', args, { encoding: 'utf8' })
  if (error?.code === 'ENOENT') throw new NotMeasured('there is no cc to compile the floor program with')
  if (error !== undefined) throw error
  if (status !== 0) throw new Error(`cc ${args.join(' ')} failed (${status})\n${stderr}`)
}
