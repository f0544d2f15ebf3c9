// `npm run test:buildbarn`: Buildbarn's own scheduler, storage and workers hand the actions of a client to runners of this package. They are taken from the folder
// that BUILDJAIL_BUILDBARN names. Exits with 77, and says why, where something of it cannot be had.
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { NotRun, runMain } from '../../scripts/guest/not-run.mjs'
import { newIn } from '../../scripts/soak/census.mjs'
import { takeCensus } from '../../scripts/soak/host.mjs'
import { cases } from './buildbarn/cases.mjs'
import { Client } from './buildbarn/client.mjs'
import { Farm } from './buildbarn/farm.mjs'
import { must, mustBecomeEmpty } from './must.mjs'
import { programsIn } from './buildbarn/programs.mjs'

/** Of sessions whose configuration names none. */
const stateDirectory = '/var/run/buildjail'

/** Never resolves. */
const interrupted = new Promise((_, reject) => {
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => reject(new Error(`ended by ${signal}`)))
})

await runMain(async () => {
  if (process.platform !== 'linux' || process.geteuid() !== 0) throw new NotRun('needs root on Linux')
  const files = programsIn(process.env.BUILDJAIL_BUILDBARN)
  if (spawnSync('cc', ['--version']).status !== 0) throw new NotRun('needs a compiler of C, as cc')
  const kinds = existsSync('/dev/fuse') ? ['native', 'virtual'] : ['native']
  if (kinds.length === 1) console.warn('skipped: virtual build directories, as there is no /dev/fuse here')
  for (const kind of kinds) await test(kind, files)
  return 0
})

async function test(kind, files) {
  console.log(`${kind} build directories:`)
  // Processes of the actions are known by it.
  const mark = randomBytes(8).toString('hex')
  // As the first process of a container this one is given the orphans of others, and does not bury them.
  const parents = process.pid === 1 ? [] : [process.pid]
  const census = () => takeCensus({ stateDirectory, mark, outputs: [], parents, hasController: false })
  const before = await census()
  const top = realpathSync(mkdtempSync(path.join(tmpdir(), 'buildjail-buildbarn-')))
  const farm = new Farm(top, files, kind)
  const logs = path.join(top, 'rexec')
  mkdirSync(logs)
  const client = new Client(files.rexec, { address: farm.address, logs, variables: { BUILDJAIL_SOAK: mark } })
  const processes = async () => (await census()).processes
  try {
    await Promise.race([interrupted, run({ top, farm, client, processes })])
    const ended = await farm.end()
    must(!Object.values(ended).includes('SIGKILL'), 'all programs end by SIGTERM', ended)
    must(farm.workers.every(({ name }) => ended[`runner-${name}`] === 0), 'the runners with 0')
    await mustBecomeEmpty(async () => Object.entries(newIn(before, await census())), 'nothing is left of sessions: mounts, cgroups, state, processes')
  } catch (error) {
    console.error(farm.logs)
    throw error
  } finally {
    await farm.end()
    rmSync(top, { recursive: true, force: true })
  }
}

async function run(scene) {
  await scene.farm.start()
  for (const see of cases) await see(scene)
}
