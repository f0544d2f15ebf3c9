// Compiles the hostile build, which tests of the runner have as well.
import { existsSync } from 'node:fs'
import path from 'node:path'

import { compileWith } from '../floor/compile.mjs'

export const hostileSource = path.join(import.meta.dirname, 'hostile.c')

// Of scripts/freebsd/programs.mjs, for an image without a compiler.
const ready = path.join(import.meta.dirname, '..', '..', 'prebuilds', `${process.platform}-${process.arch}-programs`, 'hostile')

/** Puts the program into the folder, or finds it ready. @returns the folder that has it, by the name `hostile` */
export function compileHostile(folder) {
  if (existsSync(path.join(ready, 'hostile'))) return ready
  compileWith(['cc'], ['-O2', '-Wall', '-Wextra', '-Werror', '-o', path.join(folder, 'hostile'), hostileSource])
  return folder
}
