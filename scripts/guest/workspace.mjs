// Where these scripts find the package, and where they keep what is worth keeping from one run to the next.
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const packageRoot = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..')

/** Runs a tool to its end, quietly; what it printed is shown when it fails. */
export function runTool(file, args, options = {}) {
  const done = spawnSync(file, args, { cwd: packageRoot, encoding: 'utf8', maxBuffer: 64 << 20, ...options })
  if (done.error) throw done.error
  if (done.status !== 0) {
    throw new Error(`${[file, ...args].join(' ')} failed (${done.signal ?? done.status})\n${done.stdout}${done.stderr}`)
  }
  return done.stdout
}

/** What the guests of one kind have of their own. @param {string} guest `freebsd` or `linux-guest` */
export function workspaceOf(guest) {
  return {
    /** A folder of the cache, created. All of it may be deleted at any time. */
    cacheFolder(...names) {
      const folder = path.join(packageRoot, 'node_modules', '.cache', `buildjail-${guest}`, ...names)
      mkdirSync(folder, { recursive: true })
      return folder
    },

    /** Says on stderr how long a phase took; stdout belongs to what runs in the guest. */
    async timed(phase, work) {
      const start = performance.now()
      const result = await work()
      console.error(`[${guest}] ${phase}: ${((performance.now() - start) / 1000).toFixed(1)} s`)
      return result
    },
  }
}
