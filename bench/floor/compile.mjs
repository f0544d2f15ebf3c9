// Compiles the floor program.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { NotMeasured } from '../measure/available.mjs'

const here = path.dirname(fileURLToPath(import.meta.url))
const root = path.join(here, '..', '..')
const sources = {
  linux: ['main.c', 'plan.c', 'command.c', 'vfork_child.c', 'linux_mounts.c', 'linux_session.c'],
  freebsd: ['main.c', 'plan.c', 'command.c', 'vfork_child.c', 'freebsd_mounts.c', 'freebsd_session.c'],
}

/** The C files of the floor program on a system; undefined where there is none. */
export const floorSources = (system) => sources[system]?.map((file) => path.join(here, file))

// Of scripts/freebsd/programs.mjs, for an image without a compiler.
const ready = path.join(root, 'prebuilds', `${process.platform}-${process.arch}-programs`, 'floor')

/** Puts the program into the folder, or finds it ready. `{ floor }`, its path. */
export function compileFloor(folder) {
  if (existsSync(ready)) return { floor: ready }
  const files = floorSources(process.platform)
  if (files === undefined) throw new NotMeasured(`there is no floor program for ${process.platform}`)
  const floor = path.join(folder, 'floor')
  compileWith(['cc'], [...flags(process.platform), '-o', floor, ...files])
  return { floor }
}

/** For the C compiler. */
export const flags = (system) => ['-O2', '-Wall', '-Wextra', '-Werror', ...(system === 'linux' ? ['-D_GNU_SOURCE', '-D_FILE_OFFSET_BITS=64'] : [])]

/** Of a command with its first arguments. @throws NotMeasured where there is none */
export function compileWith([compiler, ...first], args, options = {}) {
  const { status, error, stderr } = spawnSync(compiler, [...first, ...args], { encoding: 'utf8', ...options })
  if (error?.code === 'ENOENT') throw new NotMeasured(`there is no ${compiler} to compile the floor program with`)
  if (error !== undefined) throw error
  if (status !== 0) throw new Error(`${[compiler, ...first, ...args].join(' ')} failed (${status})\n${stderr}`)
}
