// `controller.mjs SPEC MEBIBYTES`: a program of its own that builds, with so much resident memory, on whatever host it was
// started in. Serves blocks of samples.
import { build, openSession, planOf, SessionPool } from '../../dist/index.js'
import { serveRequests } from '../measure/served.mjs'
import { action } from '../measure/turns.mjs'
import { spawnToEnd } from '../peers/spawn.mjs'
import { trueCommand } from './folders.mjs'

const spec = JSON.parse(process.argv[2])
const plan = planOf(spec)
const ballast = []
while (process.memoryUsage.rss() < Number(process.argv[3]) * 2 ** 20) ballast.push(Buffer.alloc(2 ** 22, 1))

// Opened when it is first asked for: beside a live session, who opens another looks through what is mounted.
let session
const openedSession = () => (session ??= openSession({ ...spec, output: undefined }))
const command = [trueCommand()]
const spawn = action(() => spawnToEnd(command[0]))

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** Each sample after a wait: what comes after one is slower than what comes at once. */
const after = (wait, take) => async (count) => {
  const samples = []
  while (samples.length < count) {
    await wait()
    samples.push(...(await take(1)))
  }
  return samples
}

const size = 4
let pool
const openedPool = () => (pool ??= SessionPool.open({}, { size }))
const pooled = action(async () => (await openedPool()).run(spec, command))

// A pool is for being ready; how it fares when it cannot keep up is the request beside this.
async function full() {
  while ((await openedPool()).ready < size) await pause(1)
}

async function phases() {
  const opened = await openSession(plan)
  await opened.run(command)
  await opened.close()
}

await serveRequests({
  build: action(() => build(plan, command)),
  phases: action(phases),
  run: async (count) => {
    const opened = await openedSession()
    return action(() => opened.run(command))(count)
  },
  spawn,
  // As long as a pool takes to be full again.
  'spawn-paced': after(() => pause(3), spawn),
  pooled: after(full, pooled),
  'pooled-at-once': pooled,
})
await (await session)?.close()
await (await pool)?.close()
