// A host program, to be killed: opens a session, starts what does not end by itself, says what it has, and waits.
import { once } from 'node:events'

import { openSession } from '../../dist/index.js'

const [spec] = process.argv.slice(2)
const session = await openSession(JSON.parse(spec))
// setsid(1) is Linux's only; without it what follows is an orphan all the same.
const script = 'trap "" TERM HUP; ($(command -v setsid) sh -c "while :; do echo . >> /output/beats; sleep 0.02; done" &); while :; do sleep 1; done'
const child = session.spawn(['sh', '-c', script], { stdio: ['ignore', 'ignore', 'ignore'] })
await once(child, 'spawn')
console.log(JSON.stringify({ ...(await session.record()), command: child.pid }))
setInterval(() => {}, 1000)
