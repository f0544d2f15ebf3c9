// `npm run test:runner-churn [-- --actions 1000 --concurrency 4 --kill 0.01 --seed N --within MS]`: actions of all sorts, of which some are canceled, some
// have a deadline, and now and then the runner is killed. Afterwards nothing may be left of any, the worker's folders are empty, and every answer is
// right but those that were given up.
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'

import { newIn, stillIn } from '../../../scripts/soak/census.mjs'
import { takeCensus } from '../../../scripts/soak/host.mjs'
import { fates, kinds } from './actions.mjs'
import { Runner } from './runner.mjs'
import { Worker } from './worker.mjs'

const { values } = parseArgs({
  options: {
    actions: { type: 'string', default: '1000' },
    concurrency: { type: 'string', default: '4' },
    kill: { type: 'string', default: '0.01' },
    within: { type: 'string', default: '5000' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 32)) },
  },
})
const [actions, concurrency, kill, within, seed] = [values.actions, values.concurrency, values.kill, values.within, values.seed].map(Number)

const top = realpathSync(mkdtempSync(path.join(tmpdir(), 'buildjail-churn-')))
chmodSync(top, 0o755)
const place = { builds: path.join(top, 'builds'), socket: path.join(top, 'runner.sock'), cached: path.join(top, 'cached'), mark: randomBytes(8).toString('hex') }
const stateDirectory = path.join(top, 'state')
mkdirSync(place.builds, { mode: 0o700 })

const runner = new Runner(top, { socket: place.socket, buildDirectory: place.builds, concurrency, session: { stateDirectory }, serverLogs: 'all' })
const worker = new Worker(place)
const counts = { ended: 0, canceled: 0, 'deadline over': 0, 'lost with the runner': 0, 'runners killed': 0 }
const wrong = []
/** While one is replaced nobody asks. */
let replacing
let next = 0

console.log(`seed ${seed}`)
const before = await census(false)
await runner.start()
try {
  await Promise.all(Array.from({ length: concurrency }, live))
  await replacing
  const status = await runner.end('SIGTERM')
  if (status !== 0) wrong.push(`the last runner ended with ${status}`)
  const left = await settled()
  for (const [kind, names] of Object.entries(left)) wrong.push(`left ${kind}: ${names.join(' ')}`)
  if (worker.left.length > 0) wrong.push(`left in the worker's folders: ${worker.left.join(' ')}`)
  wrong.push(...runner.complaints)
} finally {
  worker.close()
  await runner.end('SIGKILL')
  rmSync(top, { recursive: true, force: true })
}
for (const [what, count] of Object.entries(counts)) console.log(`${what}: ${count}`)
for (const line of wrong) console.log(`WRONG: ${line}`)
console.log(`${actions} actions, ${wrong.length} wrong`)
if (wrong.length > 0) process.exitCode = 1

async function live() {
  while (next < actions) {
    const number = next++
    await replacing
    await act(number)
  }
}

async function act(number) {
  const draw = numbersFrom(number)
  const one = (list) => list[Math.floor(draw() * list.length)]
  const name = one(Object.keys(kinds))
  const kind = kinds[name]
  const fate = kind.isEndless || draw() < 0.3 ? one(fates) : undefined
  const moment = 1 + draw() * 80
  const killing = draw() < kill ? setTimeout(() => void kills(), moment / 4) : undefined
  const { generation } = runner
  const { answer, error, stdout } = await worker.perform(number.toString(16).padStart(16, '0'), kind, {
    cancelAfter: fate === 'cancel' ? moment : undefined,
    deadline: fate === 'deadline' ? moment : undefined,
  })
  clearTimeout(killing)
  const isLost = error?.code === 14 && (replacing !== undefined || runner.generation !== generation)
  if (isLost) counts['lost with the runner'] += 1
  else if (fate === 'cancel' && error?.code === 1) counts.canceled += 1
  else if (fate === 'deadline' && error?.code === 4) counts['deadline over'] += 1
  else if (kind.code !== undefined && error?.code === kind.code) counts.ended += 1
  else if (answer !== undefined && answer.exitCode === kind.exitCode && stdout === kind.stdout) counts.ended += 1
  else wrong.push(`${number}, ${name}, ${fate ?? 'undisturbed'}: ${error?.message ?? `exit code ${answer.exitCode}, ${JSON.stringify(stdout.slice(0, 100))}`}`)
}

function kills() {
  replacing ??= (async () => {
    counts['runners killed'] += 1
    await runner.replace()
    await worker.ready()
    replacing = undefined
  })()
  return replacing
}

async function settled() {
  const began = performance.now()
  let left = newIn(before, await census(false))
  while (Object.keys(left).length > 0 && performance.now() - began < within) {
    await sleep(50)
    left = stillIn(left, await census(false))
  }
  return left
}

function census(hasController) {
  return takeCensus({ stateDirectory, mark: place.mark, outputs: [], parents: [process.pid], hasController })
}

/** Of each action, by the seed and its number alone (Mulberry32, Tommy Ettinger, 2017). */
function numbersFrom(number) {
  let state = (seed ^ Math.imul(number + 1, 0x9e3779b1)) >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
