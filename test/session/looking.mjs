// A host program that makes sessions of specs after a first one, and is run with --trace-sync-io: whatever it then asks of a file system on its
// JavaScript thread is told on stderr.
import { setImmediate } from 'node:timers/promises'

import { build, openSession, SessionPool } from '../../dist/index.js'

const spec = JSON.parse(process.argv[2])
const { output, inputs, ...base } = spec
const pool = await SessionPool.open(base, { size: 1 })

const uses = {
  build: () => build(spec, ['true']),
  openSession: async () => (await openSession(spec)).close(),
  'pool.run': () => pool.run({ output, inputs }, ['true']),
  'pool.acquire': async () => (await pool.acquire({ output, inputs })).close(),
}
// What is made once.
for (const use of Object.values(uses)) await use()
for (const [name, use] of Object.entries(uses)) {
  await setImmediate()
  console.error(`${name}:`)
  await use()
}
console.error('end')
await pool.close()
