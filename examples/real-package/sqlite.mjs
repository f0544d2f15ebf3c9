// SQLite from the C sources that npm's @nozbe/sqlite ships: the same commands, wherever they are run.
import { readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

// The library, and its command line, which is the program.
const units = ['sqlite3', 'shell']

// Plain C, for any compiler: some (tcc) say that they are GCC and have not all of its builtins.
const flags = ['-DSQLITE_DISABLE_INTRINSIC']

// dlopen(3) is in the C library, but for that of older Linux distributions.
const libraries = process.platform === 'linux' ? ['-lpthread', '-ldl'] : ['-lpthread']

const query = `
  WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 100000)
  SELECT format('SQLite %s: the numbers from 1 to %,d add up to %,d', sqlite_version(), count(*), sum(n)) FROM number;`

/**
 * @typedef {(command: [string, ...string[]], workingDirectory: string) => Promise<{ stdout: string }>} Run
 * @typedef {{ command: string, startMs: number, endMs: number }} Step counted from the start of the build
 * @typedef {{ source: string, objects: string, output: string }} Places folders, as the commands see them
 */

/** The folder of the sources. Throws MODULE_NOT_FOUND where the package is not installed. */
export function sqliteSource() {
  const folder = path.dirname(createRequire(import.meta.url).resolve('@nozbe/sqlite/package.json'))
  const name = readdirSync(folder).find((entry) => entry.startsWith('sqlite-amalgamation-'))
  return path.join(folder, name ?? '')
}

/**
 * Compiles all files at the same time, then links. Compilers write down the names they are given (`__FILE__`, symbols),
 * so sources and objects are named relative to the working directory: the file does not depend on where it was built.
 * @param {Run} run
 * @param {Places} places
 * @returns {Promise<Step[]>}
 */
export async function buildSqlite(run, { source, objects, output }) {
  const timed = stepTimer(run)
  const compiled = await Promise.all(
    units.map((unit) => timed(['cc', ...flags, '-c', '-o', path.join(objects, `${unit}.o`), `${unit}.c`], source)),
  )
  const names = units.map((unit) => `${unit}.o`)
  return [...compiled, await timed(['cc', '-o', path.join(output, 'sqlite3'), ...names, ...libraries], objects)]
}

/** @param {Run} run */
function stepTimer(run) {
  const began = performance.now()
  return async (/** @type {[string, ...string[]]} */ command, /** @type {string} */ cwd) => {
    const startMs = performance.now() - began
    await run(command, cwd)
    return { command: command.join(' '), startMs, endMs: performance.now() - began }
  }
}

/**
 * What the program says, from a table that it makes itself.
 * @param {Run} run
 * @param {string} output the folder it is in
 */
export async function useSqlite(run, output) {
  // Without -init, the command line reads ~/.sqliterc.
  const { stdout } = await run([path.join(output, 'sqlite3'), '-batch', '-init', '/dev/null', ':memory:', query], output)
  return stdout.trim()
}
