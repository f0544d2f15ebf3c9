// `controller.mjs SETTINGS`: a program of its own that builds by a spec, with so much resident memory, on whatever host it was
// started in; or by several specs at once. Serves blocks of samples.
import { build, openSession, planOf, SessionPool } from '../../dist/index.js'
import { serveRequests } from '../measure/served.mjs'
import { rateOf, timed } from '../measure/turns.mjs'
import { bubblewrapFromNode } from '../peers/bubblewrap.mjs'
import { spawnToEnd } from '../peers/spawn.mjs'
import { trueCommand } from './folders.mjs'

const { spec, lanes, mebibytes } = JSON.parse(process.argv[2])
const plan = planOf(spec)
const ballast = []
while (process.memoryUsage.rss() < mebibytes * 2 ** 20) ballast.push(Buffer.alloc(2 ** 22, 1))

// Opened when it is first asked for: beside a live session, who opens another looks through what is mounted.
let session
const openedSession = () => (session ??= openSession({ ...spec, output: undefined }))
const command = [trueCommand]
const spawn = () => timed(() => spawnToEnd(command[0]))

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

const size = 4
let pool
const openedPool = () => (pool ??= SessionPool.open({}, { size }))

async function full() {
  const opened = await openedPool()
  while (opened.ready < size) await pause(1)
  return opened
}

async function phases() {
  const opened = await openSession(plan)
  await opened.run(command)
  await opened.close()
}

/** How many a second, one at a time by each of the specs. */
const rate = (starterOf) => () => rateOf(lanes.map((lane) => starterOf(planOf(lane))), 200)

await serveRequests({
  build: () => timed(() => build(plan, command)),
  'build-spec': () => timed(() => build(spec, command)),
  // Long enough for sessions to be begun ahead.
  'build-paced': () => pause(25).then(() => timed(() => build(plan, command))),
  'bwrap-paced': () => pause(25).then(() => timed(bubblewrapFromNode(plan, ['true']))),
  phases: () => timed(phases),
  run: async () => {
    const opened = await openedSession()
    return timed(() => opened.run(command))
  },
  spawn,
  // After as long as a pool takes to be full again: what comes after a wait is slower than what comes at once.
  'spawn-paced': () => pause(3).then(spawn),
  pooled: async () => {
    const opened = await full()
    return timed(() => opened.run(spec, command))
  },
  // A pool is for being ready; this is how it fares when it cannot keep up.
  'pooled-at-once': () => timed(async () => (await openedPool()).run(spec, command)),
  'build-rate': rate((one) => () => build(one, command)),
  'bwrap-rate': rate((one) => bubblewrapFromNode(one, command)),
  'spawn-rate': rate(() => () => spawnToEnd(command[0])),
})
await (await session)?.close()
await (await pool)?.close()
