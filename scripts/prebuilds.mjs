// `npm run prebuilds [-- NAME...]`: makes the prebuilt addons that this machine can make, all or the named ones, into prebuilds/, and
// says which it cannot. Each is checked against its row of the table (src/native/artefact-table.ts) and loaded, where it can be here.
// `--check` makes nothing: it fails unless every file of the table is there and good, as before a release.
import { chmodSync, copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs'
import path from 'node:path'

import { watcherOf } from './addon-workspace.mjs'
import { NotRun, runMain } from './guest/not-run.mjs'
import { packageRoot } from './guest/workspace.mjs'
import { checkArtefact } from './prebuilds/check.mjs'
import { howToLoad } from './prebuilds/load.mjs'
import { howToMake } from './prebuilds/make.mjs'
import { artefacts } from './prebuilds/table.mjs'

const folder = path.join(packageRoot, 'prebuilds')
const words = process.argv.slice(2)
const isCheck = words.includes('--check')
const names = words.filter((word) => word !== '--check')

/** What cannot be made here is a failure only where it was asked for by name. */
function make(artefact) {
  rmSync(path.join(folder, artefact.addon), { force: true })
  rmSync(path.join(folder, artefact.watcher), { force: true })
  const build = howToMake(artefact)
  if (typeof build === 'string') return { isGood: !names.includes(artefact.name), line: `NOT made: ${build}` }
  const addon = build()
  copyFileSync(addon, path.join(folder, artefact.addon))
  copyFileSync(watcherOf(addon), path.join(folder, artefact.watcher))
  chmodSync(path.join(folder, artefact.addon), 0o644)
  chmodSync(path.join(folder, artefact.watcher), 0o755)
  return look(artefact)
}

function look(artefact) {
  const file = path.join(folder, artefact.addon)
  if (!existsSync(file)) return { isGood: false, line: 'is not there' }
  const found = checkArtefact(artefact, folder)
  const load = howToLoad(artefact)
  if (typeof load !== 'string') load(file)
  return { isGood: true, line: `${found}; ${typeof load === 'string' ? `NOT loaded: ${load}` : 'loaded'}` }
}

await runMain(() => {
  const unknown = names.find((name) => !artefacts.some((artefact) => artefact.name === name))
  if (unknown !== undefined) throw new Error(`${unknown} is not in the table; it has ${artefacts.map(({ name }) => name).join(', ')}`)
  mkdirSync(folder, { recursive: true })
  let status = 0
  for (const artefact of artefacts.filter(({ name }) => names.length === 0 || names.includes(name))) {
    const { isGood, line } = attempt(artefact)
    console.log(`${artefact.name}: ${line}`)
    if (!isGood) status = 1
  }
  return status
})

function attempt(artefact) {
  try {
    return isCheck ? look(artefact) : make(artefact)
  } catch (error) {
    // What is not good is not left where it would be packed.
    if (!isCheck) for (const name of [artefact.addon, artefact.watcher]) rmSync(path.join(folder, name), { force: true })
    const isMissing = error instanceof NotRun && !names.includes(artefact.name)
    return { isGood: isMissing, line: isMissing ? `NOT made: ${error.message}` : `FAILED: ${error.message}` }
  }
}
