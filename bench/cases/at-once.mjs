// Many sessions at once: how many builds a second, how the program that has them is held up meanwhile, and what it holds for each.
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'

import { build, openSession, planOf } from '../../dist/index.js'
import { rateOf, subjectsOf } from '../measure/turns.mjs'
import { bubblewrapFromNode } from '../peers/bubblewrap.mjs'
import { spawnToEnd } from '../peers/spawn.mjs'
import { specsWith } from './folders.mjs'
import { serveController } from './own-program.mjs'

export const concurrency = {
  name: 'concurrency',
  title: 'builds of `true` a second, 10 inputs each, twice as many at once as there are cores',
  isBrief: true,
  settings: { samples: 50, perBlock: 2, warmUp: 0, unit: 'builds/s' },
  subjects(bench) {
    const lanes = specsWith(bench, 2 * availableParallelism())
    const served = (request) => serveController(lanes[0], { lanes }).subject(request)
    return {
      'build(plan)': () => served('build-rate'),
      // Whether there is one is known here.
      'bwrap from Node': () => bubblewrapFromNode(planOf(lanes[0]), ['true']) && served('bwrap-rate'),
      'child_process.spawn': () => served('spawn-rate'),
    }
  },
}

// A thread of its own sends the time a thousand times a second, with the origin of its clock, which is its own; what counts is when the
// main thread gets to it.
const pinging = `const never = new Int32Array(new SharedArrayBuffer(4))
for (;;) {
  Atomics.wait(never, 0, 0, 1)
  require('node:worker_threads').parentPort.postMessage(performance.timeOrigin + performance.now())
}`

export const eventLoop = {
  name: 'event-loop',
  title: 'event-loop delay while 8 builds of `true`, 10 inputs each, run at once',
  async run(bench) {
    const plans = specsWith(bench, 8).map((spec) => planOf(spec))
    const works = {
      'build(plan)': plans.map((plan) => () => build(plan, ['true'])),
      'child_process.spawn': plans.map(() => () => spawnToEnd('true')),
      nothing: plans.map(() => () => new Promise((resolve) => setTimeout(resolve, 50))),
    }
    const delays = Object.fromEntries(Object.keys(works).map((name) => [name, []]))
    let seen
    const pinger = new Worker(pinging, { eval: true })
    pinger.on('message', (sent) => seen.push(performance.timeOrigin + performance.now() - sent))
    const rounds = bench.isQuick ? 2 : 8
    for (let round = 0; round <= rounds; round += 1) {
      for (const [name, starters] of Object.entries(works)) {
        seen = []
        await rateOf(starters, 300)
        // The first round warms up.
        if (round > 0) delays[name].push(...seen)
      }
    }
    await pinger.terminate()
    return { subjects: subjectsOf(delays) }
  },
}

export const sessionMemory = {
  name: 'session-memory',
  title: 'resident memory of the controlling program for each live session, 10 inputs each',
  isBrief: true,
  async run(bench) {
    const perRound = bench.isQuick ? 8 : 32
    const rounds = 8
    const count = perRound * (rounds + 1)
    // More than the usual 64 of FreeBSD.
    const user = process.platform === 'freebsd' ? { user: { leased: { first: 35001, count } } } : {}
    // The plans are the caller's own, and made before.
    const plans = specsWith(bench, count).map((spec) => planOf({ ...spec, ...user }))
    const sessions = []
    const samples = []
    let before = resident()
    // None is closed before the end: what one gives back, the next would take.
    for (let round = 0; round <= rounds; round += 1) {
      for (let index = 0; index < perRound; index += 1) sessions.push(await openSession(plans[sessions.length]))
      const after = resident()
      // The first round makes what is made once: threads, their stacks, pages of the heap.
      if (round > 0) samples.push((after - before) / perRound / 1024)
      before = after
    }
    for (const session of sessions) await session.close()
    return { subjects: [{ name: 'a session', unit: 'KiB', samples }], note: `${count} sessions at once` }
  },
}

function resident() {
  if (globalThis.Bun === undefined) globalThis.gc()
  else globalThis.Bun.gc(true)
  return process.memoryUsage.rss()
}
