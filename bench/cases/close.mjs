// How long taking a session down takes: when nothing runs in it, and when processes have to be killed first.
import { once } from 'node:events'

import { openSession, planOf } from '../../dist/index.js'
import { takeTurns } from '../measure/turns.mjs'
import { specWith } from './folders.mjs'

const sleepers = 8

export const closing = {
  name: 'close',
  title: 'close of a session with 10 inputs',
  async run(bench) {
    const plan = planOf(specWith(bench, 10))
    const taken = await takeTurns(
      { 'nothing runs': (count) => closes(plan, count, 0), [`${sleepers} processes run`]: (count) => closes(plan, count, sleepers) },
      { samples: bench.samples(200), perBlock: bench.perBlock(10), warmUp: bench.warmUp, onTurn: bench.progress },
    )
    return { subjects: Object.entries(taken).map(([name, samples]) => ({ name, unit: 'ms', samples })) }
  },
}

async function closes(plan, count, running) {
  const samples = []
  for (let sample = 0; sample < count; sample += 1) {
    const session = await openSession(plan)
    const stdio = ['ignore', 'ignore', 'ignore']
    const children = Array.from({ length: running }, () => session.spawn(['sleep', '1000'], { stdio }))
    const ended = children.map((child) => once(child, 'exit'))
    await Promise.all(children.map((child) => once(child, 'spawn')))
    const began = performance.now()
    await session.close()
    samples.push(performance.now() - began)
    await Promise.all(ended)
  }
  return samples
}
