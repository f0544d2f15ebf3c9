import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import path from 'node:path'

import { openSession } from '../../../src/index.ts'
import type { Suite } from './suite.ts'

/** What a run left: the file that its suite reads, and the end of what it wrote. */
export interface Ran {
  readonly version: string
  readonly results: string
  readonly log: string
}

/** The files of the host that a run begins with. */
export interface Beginning {
  readonly sources?: string
  readonly project?: string
}

/** Outside they are run as an ordinary user as well: a session has no rights of root. */
const nobody = 65534
/** For one run. */
export const longest = 25 * 60_000
const shown = 4000
const placeInside = '/w'
/** With the runtime of this program, as `toolchain: ['host', 'node']` has it. */
const environment = { PATH: `${path.dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`, LC_ALL: 'C.UTF-8' }

function scriptOf({ version, build, run }: Suite, { sources, project }: Beginning): string {
  const copies = [sources, project].filter((one) => one !== undefined).map((from) => `cp -Rp ${from}/. .`)
  return ['set -e', ...copies, `{ ${version}; } > version`, ...(build === undefined ? [] : [`{ ${build}\n}`]), 'set +e', `( ${run}\n)`, 'exit 0'].join('\n')
}

function leftIn(folder: string): Ran {
  const text = (name: string): string => {
    try {
      return readFileSync(path.join(folder, name), 'utf8')
    } catch {
      return ''
    }
  }
  return { version: text('version').trim(), results: text('results'), log: text('log').slice(-shown) }
}

/** In a folder of its own, without a terminal, as in a session. */
export async function runOutside(suite: Suite, beginning: Beginning, folder: string): Promise<Ran> {
  const [work, home, temporary] = ['work', 'home', 'tmp'].map((name) => path.join(folder, name)) as [string, string, string]
  const isRoot = process.geteuid?.() === 0
  for (const made of [work, home, temporary]) {
    mkdirSync(made)
    if (isRoot) chownSync(made, nobody, nobody)
  }
  const log = openSync(path.join(folder, 'log'), 'w')
  const child = spawn('/bin/sh', ['-c', scriptOf(suite, beginning)], {
    cwd: work,
    env: { ...environment, HOME: home, TMPDIR: temporary },
    stdio: ['ignore', log, log],
    detached: true,
    ...(isRoot && { uid: nobody, gid: nobody }),
  })
  closeSync(log)
  const end = (): void => {
    try {
      process.kill(-(child.pid ?? 0), 'SIGKILL')
    } catch {
      // It has ended.
    }
  }
  const timer = setTimeout(end, longest)
  await once(child, 'close')
  clearTimeout(timer)
  // What a test left running.
  end()
  const ran = leftIn(work)
  // Some tests have the folder in their names.
  return { ...ran, results: ran.results.replaceAll(work, placeInside), log: leftIn(folder).log }
}

export async function runInside(suite: Suite, { sources, project }: Beginning, folder: string): Promise<Ran> {
  const work = path.join(folder, 'work')
  mkdirSync(work)
  await using session = await openSession({
    toolchain: ['host', 'node'],
    inputs: { ...(sources !== undefined && { sources }), ...(project !== undefined && { project }) },
    outputs: { [placeInside]: work },
    cwd: placeInside,
    network: 'loopback',
  })
  const inside: Beginning = { ...(sources !== undefined && { sources: '/inputs/sources' }), ...(project !== undefined && { project: '/inputs/project' }) }
  const { all } = await session.run(['/bin/sh', '-c', scriptOf(suite, inside)], { reject: false, all: true, timeout: longest })
  return { ...leftIn(work), log: String(all).slice(-shown) }
}
