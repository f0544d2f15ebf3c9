import { readdirSync } from 'node:fs'
import path from 'node:path'

/** The C files of this folder, and of the one for the system. Each is a program. */
export const probeSources = (system = process.platform) =>
  [import.meta.dirname, path.join(import.meta.dirname, system)].flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.c'))
      .map((name) => path.join(folder, name)),
  )
