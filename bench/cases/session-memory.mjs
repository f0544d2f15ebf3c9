// What an open session holds of the memory of the program that opened it.
import { openSession, planOf } from '../../dist/index.js'
import { folder, specWith } from './folders.mjs'

export const sessionMemory = {
  name: 'session-memory',
  title: 'resident memory of the controlling program for each live session, 10 inputs each',
  async run(bench) {
    const count = bench.isQuick ? 16 : 64
    const rounds = bench.isQuick ? 5 : 20
    const { inputs } = specWith(bench, 10)
    // An output is lent to one session at a time. The plans are the caller's own, and made before.
    const plans = Array.from({ length: count }, (_, index) => planOf({ inputs, output: folder(bench, `output-${index}`) }))
    const samples = []
    for (let round = -1; round < rounds; round += 1) {
      const before = resident()
      const sessions = []
      for (const plan of plans) sessions.push(await openSession(plan))
      const perSession = (resident() - before) / count / 1024
      for (const session of sessions) await session.close()
      // The first round makes what is made once: threads, packed plans, pages of the heap.
      if (round >= 0) samples.push(Math.max(0, perSession))
      bench.progress(round, rounds)
    }
    return { subjects: [{ name: `each of ${count} sessions`, unit: 'KiB', samples }] }
  },
}

function resident() {
  if (globalThis.Bun === undefined) globalThis.gc()
  else globalThis.Bun.gc(true)
  return process.memoryUsage.rss()
}
