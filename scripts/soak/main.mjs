// `npm run soak -- [--builds N] [--concurrency C] [--kill P] [--within MS] [--seed N] [--json FILE]`: N builds of many
// kinds, C at once; P is the chance that a build, or the controller that has it, is killed at a random moment. MS is how long
// what a killed controller had may take to go by itself. Exits with 1 when anything is left, or any build ends otherwise than
// it should.
import { writeFileSync } from 'node:fs'

import { preflight } from '../../dist/index.js'
import { parseArguments } from './arguments.mjs'
import { makePlace, removePlace } from './place.mjs'
import { Progress } from './progress.mjs'
import { Soak } from './soak.mjs'
import { tableOf } from './table.mjs'

const shown = 20

function read() {
  try {
    return parseArguments(process.argv.slice(2))
  } catch (error) {
    console.error(`soak: ${error.message}`)
    process.exit(2)
  }
}

const asked = read()
const { isSupported, obstacles } = preflight()
if (!isSupported) {
  for (const { problem, remedy } of obstacles) console.error(`soak: ${problem}; ${remedy}`)
  process.exit(1)
}

const place = makePlace(asked.concurrency)
try {
  const progress = new Progress(asked.builds)
  const soak = new Soak(asked, place, (standing) => progress.tell(standing))
  process.once('SIGINT', () => soak.stop())
  const outcome = await soak.run()
  progress.over()
  const { wrong, found } = outcome
  for (const line of [...wrong, ...found].slice(0, shown)) console.log(line)
  if (wrong.length + found.length > shown) console.log(`and ${wrong.length + found.length - shown} more (--json FILE has all)`)
  process.stdout.write(tableOf(outcome))
  if (asked.json !== undefined) writeFileSync(asked.json, `${JSON.stringify({ ...asked, platform: process.platform, ...outcome }, null, 2)}\n`)
  process.exitCode = wrong.length + found.length > 0 ? 1 : 0
} finally {
  removePlace(place)
}
