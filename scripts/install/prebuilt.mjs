// Whether one of the addons that came with the package can be used here: it is loaded, not looked at.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

/** Milliseconds. */
const patience = 30_000

/** @returns `{ file }` of one that loads, or `{ reason }` in a few words */
export async function prebuiltThatLoads(root) {
  const table = path.join(root, 'dist', 'native', 'artefacts.js')
  if (!existsSync(table)) return { reason: 'no prebuilt addon came with it' }
  const { fittingArtefacts } = await import(pathToFileURL(table).href)
  const fitting = fittingArtefacts().filter(({ addon }) => existsSync(path.join(root, 'prebuilds', addon)))
  const reasons = []
  for (const { addon, watcher } of fitting) {
    const file = path.join(root, 'prebuilds', addon)
    const reason = reasonAgainst(file, path.join(root, 'prebuilds', watcher))
    if (reason === undefined) return { file }
    reasons.push(`${addon}: ${reason}`)
  }
  return { reason: fitting.length === 0 ? `no prebuilt addon is for ${process.platform} on ${process.arch} with this C library` : reasons.join('; ') }
}

/** In a process of its own, which may end in any way. */
function reasonAgainst(addon, watcher) {
  try {
    accessSync(watcher, constants.X_OK)
  } catch {
    return `${path.basename(watcher)} cannot be executed`
  }
  const load = `try { require(${JSON.stringify(addon)}).preflight() } catch (error) { console.error(error.message); process.exit(1) }`
  const done = spawnSync(process.execPath, ['-e', load], { encoding: 'utf8', timeout: patience, env: { ...process.env, NODE_OPTIONS: '' } })
  if (done.error !== undefined) return done.error.message
  return done.status === 0 ? undefined : (done.stderr.trim().split('\n').at(-1) || `loading it ended with ${done.signal ?? done.status}`)
}
