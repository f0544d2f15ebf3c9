// Subjects measured in turn, so that whatever else the machine does meets all of them alike.
import { NotMeasured } from './not-measured.mjs'

/** @typedef {{ take: (count: number) => Promise<number[]>, end?: () => Promise<void> }} Subject what takes samples, and ends its program */

/** One sample after the other. */
export async function repeated(sample, count) {
  const samples = []
  while (samples.length < count) samples.push(await sample())
  return samples
}

/** How many milliseconds an action takes. */
export async function timed(run) {
  const began = performance.now()
  await run()
  return performance.now() - began
}

/** A subject that runs in this process. */
export const action = (run) => ({ take: (count) => repeated(() => timed(run), count) })

/** Has as many at work as there are starters, for so long, and tells how many a second came to their end. */
export async function rateOf(starters, ms) {
  let ended = 0
  const began = performance.now()
  const work = async (start) => {
    do {
      await start()
      ended += 1
    } while (performance.now() - began < ms)
  }
  await Promise.all(starters.map((start) => work(start)))
  return (ended * 1000) / (performance.now() - began)
}

/**
 * Asks each subject for a block of samples, all of them in turn, over and over, until there are as many of each as are wanted. Before that
 * each is asked, in turn as well, for `warmUp` samples, which do not count, and for one block at least.
 * @param {Record<string, Subject>} subjects
 */
export async function takeTurns(subjects, { samples, perBlock, warmUp }) {
  const blocks = (count) => Math.max(1, Math.ceil(count / perBlock))
  const taken = Object.fromEntries(Object.keys(subjects).map((name) => [name, []]))
  for (let block = -blocks(warmUp); block < blocks(samples); block += 1) {
    for (const [name, { take }] of Object.entries(subjects)) {
      const some = await take(perBlock)
      if (block >= 0) taken[name].push(...some)
    }
  }
  return taken
}

/**
 * takeTurns in so many rounds, each with programs of its own and an equal share of the samples: one process can be slower than
 * another of the same program, by where its memory happens to lie (Mytkowicz et al., ASPLOS 2009).
 * @param {{ isQuick: boolean }} bench
 * @param {{ rounds?: number, samples: number, perBlock?: number, warmUp?: number, unit?: string }} settings `samples` of all rounds. A
 *   runtime compiles what is called often, and not at once, so it is warmed up by many
 * @param {() => Record<string, () => Subject>} begin a round's subjects, each made when it is called
 * @returns a case's result: of each subject a share from each round, one after the other
 */
export async function inRounds({ isQuick }, { unit = 'ms', ...settings }, begin) {
  const usual = { rounds: 1, perBlock: 10, warmUp: 200, ...settings }
  const few = { rounds: Math.min(usual.rounds, 2), samples: Math.ceil(usual.samples / 10), perBlock: Math.min(usual.perBlock, 4), warmUp: 0 }
  const { rounds, samples, ...blocks } = isQuick ? few : usual
  const taken = {}
  let missing
  for (let round = 0; round < rounds; round += 1) {
    const made = availableOf(begin())
    missing = made.missing
    try {
      const share = await takeTurns(made.subjects, { ...blocks, samples: Math.ceil(samples / rounds) })
      for (const [name, some] of Object.entries(share)) taken[name] = [...(taken[name] ?? []), ...some]
    } finally {
      await Promise.all(Object.values(made.subjects).map(({ end }) => end?.()))
    }
  }
  return { subjects: subjectsOf(taken, unit), rounds, missing }
}

/** What can be had here, and why the others cannot. */
function availableOf(makers) {
  const [subjects, missing] = [{}, {}]
  for (const [name, make] of Object.entries(makers)) {
    try {
      subjects[name] = make()
    } catch (error) {
      if (!(error instanceof NotMeasured)) throw error
      missing[name] = error.message
    }
  }
  return { subjects, missing }
}

export function subjectsOf(taken, unit = 'ms') {
  return Object.entries(taken).map(([name, samples]) => ({ name, unit, samples }))
}
