// What an open session holds of the memory of the program that opened it.
import { openSession, planOf } from '../../dist/index.js'
import { specWith } from './folders.mjs'

export const sessionMemory = {
  name: 'session-memory',
  title: 'resident memory of the controlling program for each live session, 10 inputs each',
  isBrief: true,
  async run(bench) {
    const perRound = bench.isQuick ? 8 : 32
    const rounds = 8
    // An output is lent to one session at a time. The plans are the caller's own, and made before.
    const count = perRound * (rounds + 1)
    // More than the usual 64 of FreeBSD.
    const users = process.platform === 'freebsd' ? { users: { firstUid: 35001, count, gid: 35001 } } : {}
    const plans = Array.from({ length: count }, (_, index) => planOf({ ...specWith(bench, 10, `output-${index}`), ...users }))
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
