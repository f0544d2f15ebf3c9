import { existsSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL(`../../prebuilds/${process.platform}-${process.arch}-programs`, import.meta.url))

/** The tests' own programs where somebody else has compiled them for this system (scripts/freebsd/programs.mjs); else they are compiled here. */
export function readyProgram(name: string): string | undefined {
  const file = path.join(folder, name)
  return existsSync(file) ? file : undefined
}
