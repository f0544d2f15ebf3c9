// Compiles the floor program, and the one of the same sources that counts its system calls.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { wrappedSymbols } from '../../native/faults/wrap-flags.mjs'
import { NotMeasured } from '../measure/available.mjs'

const here = path.dirname(fileURLToPath(import.meta.url))
const root = path.join(here, '..', '..')
const sources = {
  linux: ['main.c', 'plan.c', 'command.c', 'vfork_child.c', 'linux_mounts.c', 'linux_session.c'],
  freebsd: ['main.c', 'plan.c', 'command.c', 'vfork_child.c', 'freebsd_mounts.c', 'freebsd_session.c'],
}

/** What count.cc wraps beside what native/faults does. */
export const moreWrapped = { linux: ['chown', 'close_range'], freebsd: ['chown', 'setgroups'] }

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
  run(['cc'], [...flags(process.platform), '-o', floor, ...files])
  return { floor }
}

/**
 * Puts the program that counts into the folder.
 * @param {{ system?: string, cc?: string[], cxx?: string[] }} [compilers] each a command with its first arguments
 * @returns its path
 */
export function compileCountingFloor(folder, { system = process.platform, cc = ['cc'], cxx = ['c++'] } = {}) {
  const files = floorSources(system)
  // Each to an object of its own, in the folder.
  run(cc, [...flags(system), '-c', ...files], { cwd: folder })
  const objects = files.map((file) => path.join(folder, `${path.basename(file, '.c')}.o`))
  const counting = ['fault', 'raw_names', 'wrapped_calls'].map((name) => path.join(root, 'native', 'faults', `${name}.cc`))
  const wraps = [...wrappedSymbols(system), ...moreWrapped[system]].map((symbol) => `-Wl,--wrap=${symbol}`)
  const program = path.join(folder, 'floor-counting')
  const include = `-I${path.join(root, 'native')}`
  run(cxx, ['-std=c++20', '-O2', include, '-pthread', '-o', program, ...wraps, path.join(here, 'count.cc'), ...counting, ...objects])
  return program
}

const flags = (system) => ['-O2', '-Wall', '-Wextra', '-Werror', ...(system === 'linux' ? ['-D_GNU_SOURCE', '-D_FILE_OFFSET_BITS=64'] : [])]

function run([compiler, ...first], args, options = {}) {
  const { status, error, stderr } = spawnSync(compiler, [...first, ...args], { encoding: 'utf8', ...options })
  if (error?.code === 'ENOENT') throw new NotMeasured(`there is no ${compiler} to compile the floor program with`)
  if (error !== undefined) throw error
  if (status !== 0) throw new Error(`${[compiler, ...first, ...args].join(' ')} failed (${status})\n${stderr}`)
}
