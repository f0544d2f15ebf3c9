// Compiles the floor program.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { NotMeasured } from '../measure/not-measured.mjs'

const here = path.dirname(fileURLToPath(import.meta.url))

/** The C files of the floor program on a system. */
export function floorSources(system) {
  const names = ['main', 'plan', 'command', 'vfork_child', `${system}_mounts`, `${system}_session`]
  return names.map((name) => path.join(here, `${name}.c`))
}

// Of scripts/freebsd/programs.mjs, for an image without a compiler.
const ready = path.join(here, '..', '..', 'prebuilds', `${process.platform}-${process.arch}-programs`, 'floor')

/** Puts the program into the folder, once, or finds it ready. @returns its path */
export function compileFloor(folder) {
  const floor = existsSync(ready) ? ready : path.join(folder, 'floor')
  if (!existsSync(floor)) compileWith(['cc'], [...flags(process.platform), '-o', floor, ...floorSources(process.platform)])
  return floor
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
