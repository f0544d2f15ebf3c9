// What the actions work on: a program in C, as it lies in the input root.
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { greeting } from '../greeting.mjs'

export const header = greeting['greet.h']

const files = { 'include/greet.h': header, 'src/greet.c': greeting['greet.c'], 'src/main.c': greeting['main.c'] }

export const compile = {
  command: ['cc', '-O2', '-Iinclude', '-c', '-o', 'out/greet.o', 'src/greet.c'],
  inputs: ['include', 'src/greet.c'],
  outputs: ['out/greet.o'],
}

/** What came of the one before is an input of this. */
export const link = {
  command: ['cc', '-O2', '-Iinclude', '-o', 'out/hello', 'src/main.c', 'out/greet.o'],
  inputs: ['include', 'src/main.c', 'out/greet.o'],
  outputs: ['out/hello'],
}

/** @returns {string} a new folder that has it */
export function layProject(top) {
  const root = mkdtempSync(path.join(top, 'project-'))
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true })
    writeFileSync(path.join(root, file), text)
  }
  return root
}
