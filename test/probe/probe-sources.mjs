import { readdirSync } from 'node:fs'
import path from 'node:path'

/** The C files of this folder. Each is a program. */
export const probeSources = () =>
  readdirSync(import.meta.dirname)
    .filter((name) => name.endsWith('.c'))
    .map((name) => path.join(import.meta.dirname, name))
