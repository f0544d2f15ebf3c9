import { readdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const here = path.dirname(fileURLToPath(import.meta.url))
const native = path.join(here, '..', '..', 'native')

/** They are linked against a system's own files; sessions test them. */
const needSystem = new Set(['waiter.cc', 'job.cc', 'jobs.cc'])

/** The compiler's flags for the test of what is of no system. */
export const coreTest = ['-std=c++20', '-O0', `-I${native}`, '-pthread']

/** Its sources: the test, and the rooms that it is of. */
export function coreSources(system = process.platform) {
  const rooms = ['base', 'plan', 'launch', 'state', 'envelope'].flatMap((room) => readdirSync(path.join(native, room)).map((name) => path.join(native, room, name)))
  const ofOthers = ['freebsd', 'linux', 'none'].filter((other) => other !== system).map((other) => `_${other}.cc`)
  const isOurs = (name) => name.endsWith('.cc') && !needSystem.has(path.basename(name)) && !ofOthers.some((end) => name.endsWith(end))
  return [path.join(here, 'core_test.cc'), ...rooms.filter(isOurs)]
}
