// `count.mjs FLOOR_COUNTING [--bars]`: how many system calls a cold build and a warm run are, against the floor's. The addon has to
// be the build that counts them (test/faults/native), where the loader looks first.
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { build, openSession, planOf } from '../../dist/index.js'
import { artefactHere } from '../../scripts/prebuilds/here.mjs'
import { specWith, trueCommand } from '../cases/folders.mjs'
import { serveFloor } from '../floor/serve.mjs'
import { repeated } from '../measure/turns.mjs'
import { actMarkdown, actOf, judged } from '../report/calls.mjs'

const acts = 20
const [floorCounting, bars] = process.argv.slice(2)
const bench = { folder: mkdtempSync(path.join(tmpdir(), 'buildjail-calls-')), floor: floorCounting }
const command = [trueCommand]

// The loader has it already, so this is the same one.
const { faults } = createRequire(import.meta.url)(`../../prebuilds/${artefactHere().addon}`)
if (faults === undefined) throw new Error('this addon does not count calls; npm run bench:freebsd makes one that does')

/** Calls of all threads that are in the addon's code, as the floor's are of all that it does. */
async function counted(act) {
  // What is made once is made before.
  await repeated(act, acts)
  faults.arm({ action: 'count', everyThread: true })
  await repeated(act, acts)
  return faults.disarm().calls
}

async function countedFloor(plan, request) {
  const floor = serveFloor(bench, plan)
  await floor.lines(request, 2)
  const names = await floor.lines(request, acts)
  await floor.end()
  return names
}

try {
  const spec = specWith(bench, 10)
  const plan = planOf(spec)
  const cold = await counted(() => build(plan, command))
  const session = await openSession({ ...spec, output: undefined })
  const warm = await counted(() => session.run(command))
  await session.close()
  const found = [
    actOf('cold build', acts, { own: cold, floor: await countedFloor(plan, 'cold') }),
    actOf('warm run', acts, { own: warm, floor: await countedFloor(planOf({ inputs: spec.inputs }), 'warm') }),
  ]
  for (const act of found) console.log(`${actMarkdown(act)}\n`)
  console.log(JSON.stringify({ calls: found }))
  if (bars !== undefined && found.some((act) => judged(act).verdict === 'does not hold')) process.exitCode = 1
} finally {
  rmSync(bench.folder, { recursive: true, force: true })
}
