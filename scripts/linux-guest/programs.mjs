// The C programs of the tests, compiled on this machine, which does it faster than its guest.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import path from 'node:path'

import { probeSources } from '../../test/probe/probe-sources.mjs'
import { requireTool } from '../guest/not-run.mjs'
import { runTool } from '../guest/workspace.mjs'
import { cacheFolder } from './workspace.mjs'

/** A folder with the attacks (`probe/`), made once for each state of their sources. */
export function compilePrograms() {
  const cache = cacheFolder('programs')
  const folder = path.join(cache, keyOfSources())
  if (existsSync(folder)) return folder
  for (const name of readdirSync(cache)) rmSync(path.join(cache, name), { recursive: true })
  const cc = requireTool('cc', 'gcc')
  const work = mkdtempSync(path.join(cache, 'work-'))
  mkdirSync(path.join(work, 'probe'))
  for (const source of probeSources()) runTool(cc, ['-o', path.join(work, 'probe', path.basename(source, '.c')), source])
  renameSync(work, folder)
  return folder
}

/** Sources and headers. */
function keyOfSources() {
  const hash = createHash('sha256')
  const folder = path.join(import.meta.dirname, '..', '..', 'test', 'probe')
  for (const name of readdirSync(folder, { recursive: true }).sort()) {
    const file = path.join(folder, name)
    if (statSync(file).isFile()) hash.update(`\0${name}\0`).update(readFileSync(file))
  }
  return hash.digest('hex').slice(0, 16)
}
