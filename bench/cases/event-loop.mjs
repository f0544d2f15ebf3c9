// How long something that happens waits for the program's event loop while 8 builds run. A thread of its own sends the time
// a thousand times a second, with the origin of its clock, which is its own; what counts is when the main thread gets to it.
import { Worker } from 'node:worker_threads'

import { build, planOf } from '../../dist/index.js'
import { spawnToEnd } from '../peers/spawn.mjs'
import { specWith } from './folders.mjs'
import { subjectsOf } from './own-program.mjs'

const lanes = 8
const pinging = `const never = new Int32Array(new SharedArrayBuffer(4))
for (;;) {
  Atomics.wait(never, 0, 0, 1)
  require('node:worker_threads').parentPort.postMessage(performance.timeOrigin + performance.now())
}`

export const eventLoop = {
  name: 'event-loop',
  title: `event-loop delay while ${lanes} builds of \`true\`, 10 inputs each, run at once`,
  async run(bench) {
    const plans = Array.from({ length: lanes }, (_, lane) => planOf(specWith(bench, 10, `output-${lane}`)))
    const pinger = new Worker(pinging, { eval: true })
    const works = {
      'build(plan)': (lane) => build(plans[lane], ['true']),
      'child_process.spawn': () => spawnToEnd('true'),
      nothing: () => new Promise((resolve) => setTimeout(resolve, 50)),
    }
    const delays = Object.fromEntries(Object.keys(works).map((name) => [name, []]))
    const rounds = bench.isQuick ? 2 : 8
    for (let round = 0; round <= rounds; round += 1) {
      for (const [name, start] of Object.entries(works)) {
        const seen = await delaysDuring(start, pinger, 300)
        // The first round warms up.
        if (round > 0) delays[name].push(...seen)
      }
    }
    await pinger.terminate()
    return { subjects: subjectsOf(delays) }
  },
}

async function delaysDuring(start, pinger, ms) {
  const delays = []
  const listen = (sent) => delays.push(performance.timeOrigin + performance.now() - sent)
  pinger.on('message', listen)
  const began = performance.now()
  const lane = async (index) => {
    while (performance.now() - began < ms) await start(index)
  }
  await Promise.all(Array.from({ length: lanes }, (_, index) => lane(index)))
  pinger.off('message', listen)
  return delays
}
