// A program whose worker threads have sessions and end, at a random moment, while sessions of its own go on. Says what
// they left: `threads.mjs ENTRY ENDING ROUNDS`.
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'

import { stateDirectoryOf } from '../../../dist/spec/state-directory.js'
import { newIn } from '../../../scripts/soak/census.mjs'
import { takeCensus } from '../../../scripts/soak/host.mjs'
import { blanks, openDescriptors } from '../../../scripts/soak/open-descriptors.mjs'

const [entry, ending, rounds] = process.argv.slice(2)
const { build, openSession } = await import(entry)
// On a slow machine there are fewer rounds than were asked for.
const enoughMs = 25_000

const census = () => takeCensus({ stateDirectory: stateDirectoryOf(), outputs: [], mark: 'thread', parents: [process.pid], hasController: true })

// A moment is random, but one at which there is something.
await build({}, ['true'])
const buildMs = await durationOf(() => build({}, ['true']))

async function durationOf(work) {
  const began = performance.now()
  await work()
  return performance.now() - began
}

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
  await sleep(Math.random() * 3 * buildMs)
  if (ending === 'terminate()') await thread.terminate()
  else if (ending !== 'nothing more to do') thread.postMessage('end')
  await exited
}

if (ending === 'process.exit() of the program') {
  const session = await openSession({})
  session.spawn(['sleep', '100'], { stdio: ['ignore', 'ignore', 'ignore'] })
  await Promise.all([startThread(), startThread()])
  await sleep(Math.random() * 3 * buildMs)
  process.exit(6)
}

await oneRound()
const before = await census()
const open = openDescriptors().length
const own = { isOver: false, builds: 0 }
const building = (async () => {
  for (; !own.isOver; own.builds += 1) await build({}, ['true'])
})()
const began = performance.now()
for (let round = 0; round < Number(rounds) && performance.now() - began < enoughMs; round += 1) await oneRound()
own.isOver = true
await building
const left = newIn(before, await census())
console.log(JSON.stringify({ left, descriptors: openDescriptors().length - open, blanks: blanks(), hasBuilt: own.builds > 0 }))
