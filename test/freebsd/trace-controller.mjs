// A host program, to be stopped and killed: a session with a trace, in which the command of the arguments runs. It says what it has, and at the end of
// stdin ends the session and says what of the trace was lost.
import { once } from 'node:events'

import { openSession } from '../../dist/index.js'

const [spec, command] = process.argv.slice(2)
const session = await openSession(JSON.parse(spec))
const child = session.spawn(JSON.parse(command), { stdio: ['ignore', 'ignore', 'ignore'] })
await once(child, 'spawn')
console.log(JSON.stringify({ ...(await session.record()), command: child.pid }))
process.stdin.resume()
await once(process.stdin, 'end')
await session.close()
const { files, lost } = await session.trace()
console.log(JSON.stringify({ files: files.length, lost, memory: process.memoryUsage.rss() }))
