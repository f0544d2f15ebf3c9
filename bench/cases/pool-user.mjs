// `pool-user.mjs ADDITIONS`: a program of its own that takes sessions from a pool. Serves blocks of samples.
import { SessionPool } from '../../dist/index.js'
import { serveRequests } from '../measure/serve.mjs'
import { action } from '../measure/turns.mjs'

const size = 4
const additions = JSON.parse(process.argv[2])
const pool = await SessionPool.open({}, { size })

async function run() {
  await pool.run(additions, ['true'])
}

async function release() {
  const session = await pool.acquire(additions)
  await session.run(['true'])
  pool.release(session)
}

async function close() {
  const session = await pool.acquire(additions)
  await session.run(['true'])
  await session.close()
}

// What a pool is for is to be ready; how it fares when it cannot keep up is the request beside these.
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

await serveRequests({ run: whenFull(run), release: whenFull(release), close: whenFull(close), unready: action(close) })
await pool.close()
