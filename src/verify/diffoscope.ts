import { accessSync, constants } from 'node:fs'
import path from 'node:path'

import { build } from '../session/build.ts'
import { foldersOfProgram } from '../spec/host-programs.ts'
import type { Pair } from './compare.ts'

const timeout = 10 * 60 * 1000
const most = 4 * 1024 * 1024
/** Times of files differ in all builds. Modes are among the differences that are found here. */
const options = ['--exclude-directory-metadata=recursive', '--text', '-']
/** Both are what diffoscope(1) exits with when it has compared. */
const compared = [0, 1]

/**
 * What diffoscope says of the outputs of two builds, at most 4 MiB. It takes apart what a build has made, so it runs in a session, which has nothing but these and its
 * program. Undefined if it is not on PATH, or fails.
 */
export async function textOfDiffoscope(folders: Pair<string>, builds: Pair<number>, signal?: AbortSignal): Promise<string | undefined> {
  const program = programOnPath('diffoscope')
  if (program === undefined) return undefined
  try {
    const inputs = Object.fromEntries(folders.map((folder, index) => [`/build-${builds[index]}`, folder]))
    const toolchain = ['host', ...foldersOfProgram(program).filter((folder) => !/^\/(?:usr|bin)(?:\/|$)/.test(folder))]
    const { stdout, exitCode } = await build({ inputs, toolchain }, [program, ...options, ...Object.keys(inputs)], { reject: false, timeout, maxBuffer: most, ...(signal && { signal }) })
    return exitCode !== undefined && compared.includes(exitCode) ? stdout : undefined
  } catch {
    signal?.throwIfAborted()
    return undefined
  }
}

function programOnPath(name: string): string | undefined {
  const candidates = (process.env['PATH'] ?? '').split(':').filter((folder) => folder.startsWith('/')).map((folder) => path.join(folder, name))
  return candidates.find((candidate) => {
    try {
      accessSync(candidate, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
