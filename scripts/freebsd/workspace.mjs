// Where these scripts find the package, and where they keep what is worth keeping from one run to the next.
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const packageRoot = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..')

/** A folder of the cache, created. All of it may be deleted at any time. */
export function cacheFolder(...names) {
  const folder = path.join(packageRoot, 'node_modules', '.cache', 'buildjail-freebsd', ...names)
  mkdirSync(folder, { recursive: true })
  return folder
}

/** Runs a tool to its end, quietly; what it printed is shown when it fails. */
export function runTool(file, args, options = {}) {
  const done = spawnSync(file, args, { cwd: packageRoot, encoding: 'utf8', maxBuffer: 64 << 20, ...options })
  if (done.error) throw done.error
  if (done.status !== 0) {
    throw new Error(`${[file, ...args].join(' ')} failed (${done.signal ?? done.status})\n${done.stdout}${done.stderr}`)
  }
  return done.stdout
}

/** Says on stderr how long a phase took; stdout belongs to what runs in the guest. */
export async function timed(phase, work) {
  const start = performance.now()
  const result = await work()
  console.error(`[freebsd] ${phase}: ${((performance.now() - start) / 1000).toFixed(1)} s`)
  return result
}
