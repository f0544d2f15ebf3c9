// `pool-user.mjs ADDITIONS`: a program of its own that takes sessions from a pool. Serves blocks of samples.
import { SessionPool } from '../../dist/index.js'
import { serveRequests } from '../measure/serve.mjs'
import { action } from '../measure/turns.mjs'
import { trueCommand } from './folders.mjs'

const size = 4
const additions = JSON.parse(process.argv[2])
const command = [trueCommand()]
const pool = await SessionPool.open({}, { size })

const run = () => pool.run(additions, command)

async function acquire() {
  const session = await pool.acquire(additions)
  await session.run(command)
  await session.close()
}

// A pool is for being ready; how it fares when it cannot keep up is the request beside these.
function whenFull(use) {
  const one = action(use)
  return async (count) => {
    const samples = []
    while (samples.length < count) {
      while (pool.ready < size) await new Promise((resolve) => setTimeout(resolve, 1))
      samples.push(...(await one(1)))
    }
    return samples
  }
}

await serveRequests({ run: whenFull(run), acquire: whenFull(acquire), unready: action(run) })
await pool.close()
