import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const here = path.dirname(fileURLToPath(import.meta.url))
const native = path.join(here, '..', '..', 'native')

/** They are linked against a system's own files; sessions test them. */
const needSystem = new Set(['waiter.cc', 'jobs.cc', 'system.cc', 'watcher.cc'])

/** The test library of C++, from Debian's package doctest-dev. */
export const doctest = ['/usr/include', '/usr/local/include'].find((folder) => existsSync(path.join(folder, 'doctest', 'doctest.h')))

/**
 * The compiler's flags for the tests of what is of no system. The folder of doctest is looked in last: for another system it is this one's, and
 * nothing else of it fits.
 */
export const nativeTestFlags = ['-std=c++20', '-O0', `-I${native}`, '-idirafter', doctest ?? '/usr/include', '-pthread']

/** Their sources: the tests, and the rooms that they are of. */
export function nativeTestSources(system = process.platform) {
  const rooms = ['base', 'plan', 'seen', 'network', 'launch', 'state', 'envelope'].flatMap((room) => readdirSync(path.join(native, room)).map((name) => path.join(native, room, name)))
  const ofOthers = ['freebsd', 'linux'].filter((other) => other !== system).map((other) => `_${other}.cc`)
  const isOurs = (name) => name.endsWith('.cc') && !needSystem.has(path.basename(name)) && !ofOthers.some((end) => name.endsWith(end))
  const tests = readdirSync(here).filter((name) => name.endsWith('.cc') && name !== 'system_call_filter_test.cc').map((name) => path.join(here, name))
  return [...tests, ...rooms.filter(isOurs)]
}

/**
 * Compiles them, a source on each processor.
 * @param {string} program the file to make
 * @param {(...args: string[]) => Promise<unknown>} compile runs the compiler, and rejects where it fails
 */
export async function compileNativeTests(program, compile, system = process.platform) {
  const folder = mkdtempSync(`${program}-`)
  const sources = nativeTestSources(system).map((source, index) => ({ source, object: path.join(folder, `${index}.o`) }))
  const left = sources.values()
  const compileRest = async () => {
    for (const { source, object } of left) await compile(...nativeTestFlags, '-c', source, '-o', object)
  }
  try {
    await Promise.all(Array.from({ length: availableParallelism() }, compileRest))
    await compile(...sources.map(({ object }) => object), '-pthread', '-o', program)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
