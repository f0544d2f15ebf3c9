// How long something that happens waits for the program's event loop while 8 builds run. A thread of its own sends the time
// a thousand times a second; what counts is when the main thread gets to it.
import { Worker } from 'node:worker_threads'

import { build, planOf } from '../../dist/index.js'
import { spawnToEnd } from '../peers/spawn.mjs'
import { folder, specWith } from './folders.mjs'

const lanes = 8

export const eventLoop = {
  name: 'event-loop',
  title: `event-loop delay while ${lanes} builds of \`true\`, 10 inputs each, run at once`,
  async run(bench) {
    const { inputs } = specWith(bench, 10)
    const plans = Array.from({ length: lanes }, (_, lane) => planOf({ inputs, output: folder(bench, `output-${lane}`) }))
    const asked = new Int32Array(new SharedArrayBuffer(4))
    const answer = new BigInt64Array(new SharedArrayBuffer(8))
    const pinger = new Worker(new URL('pinger.mjs', import.meta.url), { workerData: { asked, answer } })
    const ahead = clockAhead(asked, answer)
    const works = {
      'build(plan)': (lane) => build(plans[lane], ['true']),
      'child_process.spawn': () => spawnToEnd('true'),
      'nothing': () => new Promise((resolve) => setTimeout(resolve, 50)),
    }
    const delays = Object.fromEntries(Object.keys(works).map((name) => [name, []]))
    const rounds = bench.isQuick ? 2 : 8
    for (let round = 0; round <= rounds; round += 1) {
      for (const [name, start] of Object.entries(works)) {
        const seen = await delaysDuring(start, pinger, ahead, 300)
        // The first round warms up.
        if (round > 0) delays[name].push(...seen)
      }
      bench.progress(round, rounds)
    }
    await pinger.terminate()
    return { subjects: Object.entries(delays).map(([name, samples]) => ({ name, unit: 'ms', samples })) }
  },
}

async function delaysDuring(start, pinger, ahead, ms) {
  const delays = []
  const listen = (sent) => delays.push(Number(process.hrtime.bigint() + ahead - sent) / 1e6)
  pinger.on('message', listen)
  const began = performance.now()
  const lane = async (index) => {
    while (performance.now() - began < ms) await start(index)
  }
  await Promise.all(Array.from({ length: lanes }, (_, index) => lane(index)))
  pinger.off('message', listen)
  return delays
}

/**
 * By how many nanoseconds the other thread's clock is ahead of this one's: under Bun each begins when its thread does. Asked often,
 * as the answer that came soonest is the surest (Cristian, "Probabilistic clock synchronization", 1989).
 */
function clockAhead(asked, answer) {
  let soonest
  for (let question = 0; question < 200; question += 1) {
    const before = process.hrtime.bigint()
    Atomics.store(asked, 0, 1)
    Atomics.notify(asked, 0)
    while (Atomics.load(asked, 0) === 1);
    const after = process.hrtime.bigint()
    if (soonest === undefined || after - before < soonest.trip) soonest = { trip: after - before, ahead: answer[0] - (before + after) / 2n }
  }
  return soonest.ahead
}
