// A program with two copies of the package in it, as two of its dependencies may bring: `copies.mjs ENTRY ENTRY OUTPUT`.
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'

const [one, other, output] = process.argv.slice(2)
const [a, b] = await Promise.all([import(one), import(other)])

const say = async (session, word) => (await session.run(['echo', word])).stdout.trim()
const told = {}

const ofA = await a.openSession({ output })
const ofB = await b.openSession({})
const daemon = ofB.spawn(['sleep', '100'], { stdio: ['ignore', 'ignore', 'ignore'] })
await once(daemon, 'spawn')
told.atOnce = await Promise.all([say(ofA, 'a'), say(ofB, 'b')])
// What one copy lends, the other must not lend again.
told.sameOutput = await b.openSession({ output }).catch((error) => error.code)
const refusal = await b.openSession({ toolchain: 'no' }).catch((error) => error)
told.errors = [refusal instanceof b.BuildjailError, refusal instanceof a.BuildjailError, a.isBuildjailError(refusal)]
await ofA.close()
told.afterOneClosed = [await say(ofB, 'b'), daemon.signalCode]

// The environment of one copy's goes, while the other has a session.
const thread = new Worker(new URL('thread.mjs', import.meta.url), { workerData: { entry: one, ending: 'terminate()' } })
await once(thread, 'message')
await sleep(30)
await thread.terminate()
told.afterThread = [await say(ofB, 'b'), daemon.signalCode]
console.log(JSON.stringify(told))
await a.openSession({ output })
process.exit(5)
