// A host program to be killed at a call of an opening, when nobody cleans up after it: it waits between its first session, which
// starts who would, and that opening. With no number it tells what the opening calls.
import { once } from 'node:events'

import { binding } from '../../dist/native/load.js'
import { openSession, planOf } from '../../dist/index.js'

const [spec, nth] = process.argv.slice(2)
const { faults } = binding()
const plan = planOf(JSON.parse(spec))
await (await openSession({})).close()
console.log('ready')
await once(process.stdin, 'data')
faults.arm(nth === undefined ? { action: 'count' } : { action: 'kill', nth: Number(nth) })
const session = await openSession(plan)
console.log(JSON.stringify(faults.disarm().calls))
await session.close()
process.exit(0)
