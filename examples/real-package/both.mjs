// One build, in a session and on the host, and what came of each.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'

import { buildSqlite, sqliteSource, useSqlite } from './sqlite.mjs'

/** Where things are in a session: the objects are its own and go with it, the program stays. */
const inside = { source: '/inputs/sqlite', objects: '/tmp', output: '/output' }

/**
 * @typedef {object} Built
 * @property {import('./sqlite.mjs').Step[]} steps
 * @property {string} sha256 of the program
 * @property {string} said by the program, run where it was built
 */

/**
 * @param {typeof import('../../src/index.ts').openSession} openSession
 * @param {string} folder an empty one, for what is built
 * @returns {Promise<{ session: Built, host: Built, saidOnHost: string }>} `saidOnHost` by the session's program
 */
export async function buildBoth(openSession, folder) {
  const [fromSession, onHost, objects] = ['session', 'host', 'objects'].map((name) => path.join(folder, name))
  for (const made of [fromSession, onHost, objects]) mkdirSync(made)
  const source = sqliteSource()

  const opened = await openSession({ name: 'real-package', inputs: { sqlite: source }, output: fromSession })
  const session = await build((command, cwd) => opened.run(command, { cwd }), inside, fromSession)
    .finally(() => opened.close())

  // The session's own environment, so that cc is the same one and no variable of the caller's has a say in what it does.
  const run = hostRun({ ...opened.plan.env, HOME: objects, TMPDIR: objects })
  const saidOnHost = await useSqlite(run, fromSession)
  const host = await build(run, { source, objects, output: onHost }, onHost)
  return { session, host, saidOnHost }
}

/**
 * @param {import('./sqlite.mjs').Run} run
 * @param {import('./sqlite.mjs').Places} places
 * @param {string} output on the host
 */
async function build(run, places, output) {
  const steps = await buildSqlite(run, places)
  const said = await useSqlite(run, places.output)
  const sha256 = createHash('sha256').update(readFileSync(path.join(output, 'sqlite3'))).digest('hex')
  return { steps, sha256, said }
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {import('./sqlite.mjs').Run}
 */
function hostRun(env) {
  return ([file, ...args], cwd) => promisify(execFile)(file, args, { cwd, env })
}
