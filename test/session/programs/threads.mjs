// A program whose worker threads have sessions and end, at a random moment, while sessions of its own go on. Says what
// they left: `threads.mjs ENTRY ENDING ROUNDS`.
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'

import { defaultStateDirectory } from '../../../dist/spec.js'
import { newIn } from '../../../scripts/soak/census.mjs'
import { takeCensus } from '../../../scripts/soak/host.mjs'

const [entry, ending, rounds] = process.argv.slice(2)
const { build, openSession } = await import(entry)
const longestMs = 60

const descriptors = () => readdirSync(process.platform === 'freebsd' ? '/dev/fd' : '/proc/self/fd').length
const census = () => takeCensus({ stateDirectory: defaultStateDirectory, outputs: [], mark: 'thread', parents: [process.pid] })

async function startThread() {
  const thread = new Worker(new URL('thread.mjs', import.meta.url), { workerData: { entry, ending } })
  // The exception that it was told to throw.
  thread.on('error', () => {})
  const exited = new Promise((resolve) => thread.once('exit', resolve))
  await once(thread, 'message')
  return { thread, exited }
}

async function oneRound() {
  const { thread, exited } = await startThread()
  await sleep(Math.random() * longestMs)
  if (ending === 'terminate()') await thread.terminate()
  else if (ending !== 'nothing more to do') thread.postMessage('end')
  await exited
}

if (ending === 'process.exit() of the program') {
  const session = await openSession({})
  session.spawn(['sleep', '100'], { stdio: ['ignore', 'ignore', 'ignore'] })
  await Promise.all([startThread(), startThread()])
  await sleep(Math.random() * longestMs)
  process.exit(6)
}

await build({}, ['true'])
await oneRound()
const before = await census()
const open = descriptors()
const own = { isOver: false, builds: 0 }
const building = (async () => {
  for (; !own.isOver; own.builds += 1) await build({}, ['true'])
})()
for (let round = 0; round < Number(rounds); round += 1) await oneRound()
own.isOver = true
await building
console.log(JSON.stringify({ left: newIn(before, await census()), descriptors: descriptors() - open, hasBuilt: own.builds > 0 }))
