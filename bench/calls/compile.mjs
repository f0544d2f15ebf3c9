// Compiles the floor program that counts its system calls.
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { wrappedSymbols } from '../../test/faults/native/wrap-flags.mjs'
import { compileWith, flags, floorSources } from '../floor/compile.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What count.cc wraps beside what test/faults/native does. */
export const moreWrapped = { linux: 'close_range', freebsd: 'setgroups' }

/** Puts the program that counts into the folder. The compilers are commands with their first arguments. @returns its path */
export function compileCountingFloor(folder, { system = process.platform, cc = ['cc'], cxx = ['c++'] } = {}) {
  const files = floorSources(system)
  // Each to an object of its own, in the folder.
  compileWith(cc, [...flags(system), '-c', ...files], { cwd: folder })
  const objects = files.map((file) => path.join(folder, `${path.basename(file, '.c')}.o`))
  const counting = ['fault', 'wrapped_calls'].map((name) => path.join(root, 'test', 'faults', 'native', `${name}.cc`))
  const wraps = [...wrappedSymbols(system), moreWrapped[system]].map((symbol) => `-Wl,--wrap=${symbol}`)
  const program = path.join(folder, 'floor-counting')
  const includes = ['native', 'test/faults/native'].map((one) => `-I${path.join(root, one)}`)
  compileWith(cxx, ['-std=c++20', '-O2', '-DBUILDJAIL_FAULTS', ...includes, '-pthread', '-o', program, ...wraps, path.join(root, 'bench', 'floor', 'count.cc'), ...counting, ...objects])
  return program
}
