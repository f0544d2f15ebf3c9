// `controller.mjs SPEC MEBIBYTES`: a program of its own that builds, with so much resident memory, on whatever host it was
// started in. Serves blocks of samples; `resident` is its size, in bytes for nanoseconds.
import { build, openSession, planOf } from '../../dist/index.js'
import { serveRequests } from '../measure/serve.mjs'
import { action } from '../measure/turns.mjs'
import { spawnToEnd } from '../peers/spawn.mjs'
import { trueCommand } from './folders.mjs'

const spec = JSON.parse(process.argv[2])
const plan = planOf(spec)
const chunkBytes = 4 * 2 ** 20
const ballast = []
while (process.memoryUsage.rss() < Number(process.argv[3]) * 2 ** 20) ballast.push(Buffer.alloc(chunkBytes, 1))

// Opened when it is first asked for: beside a live session, who opens another looks through what is mounted.
let session
const openedSession = () => (session ??= openSession({ ...spec, output: undefined }))
const command = [trueCommand()]
const spawn = action(() => spawnToEnd(command[0]))

/** Each after a pause as long as a pool takes to be full again: what comes after one is slower than what comes at once. */
async function paced(count) {
  const samples = []
  while (samples.length < count) {
    await new Promise((resolve) => setTimeout(resolve, 3))
    samples.push(...(await spawn(1)))
  }
  return samples
}

async function phases() {
  const opened = await openSession(plan)
  await opened.run(command)
  await opened.close()
}

await serveRequests({
  build: action(() => build(plan, command)),
  'build-spec': action(() => build(spec, command)),
  phases: action(phases),
  run: async (count) => {
    const opened = await openedSession()
    return action(() => opened.run(command))(count)
  },
  spawn,
  'spawn-paced': paced,
  resident: async () => [process.memoryUsage.rss() / 1e6],
})
await (await session)?.close()
