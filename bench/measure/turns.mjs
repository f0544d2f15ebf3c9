// Subjects measured in turn, so that whatever else the machine does meets all of them alike.

/** A subject that runs in this process: an action, timed in milliseconds. */
export function action(run) {
  return async (count) => {
    const samples = []
    while (samples.length < count) {
      const began = performance.now()
      await run()
      samples.push(performance.now() - began)
    }
    return samples
  }
}

/**
 * Asks each subject for a block of samples, all of them in turn, over and over. Before that each is asked, in turn as well, for
 * `warmUp` samples, which do not count, and for one block at least.
 * @param {Record<string, (count: number) => Promise<number[]>>} subjects
 * @param {{ samples: number, perBlock: number, warmUp?: number }} options
 * @returns {Promise<Record<string, number[]>>} at least `samples` of each
 */
export async function takeTurns(subjects, { samples, perBlock, warmUp = 0 }) {
  const blocks = (count) => Math.max(1, Math.ceil(count / perBlock))
  const taken = Object.fromEntries(Object.keys(subjects).map((name) => [name, []]))
  for (let block = -blocks(warmUp); block < blocks(samples); block += 1) {
    for (const [name, take] of Object.entries(subjects)) {
      const some = await take(perBlock)
      if (block >= 0) taken[name].push(...some)
    }
  }
  return taken
}

/**
 * takeTurns in so many rounds, each with programs of its own and an equal share of the samples: one process can be slower than
 * another of the same program, by where its memory happens to lie (Mytkowicz et al., ASPLOS 2009).
 * @param {() => Promise<{ subjects: Parameters<typeof takeTurns>[0], end: () => Promise<void> }>} begin a round's subjects, and how
 *   to end its programs
 * @param {{ rounds: number, samples: number, perBlock: number, warmUp?: number }} options `samples` of all rounds
 * @returns {Promise<Record<string, number[]>>} of each subject a share from each round, one after the other
 */
export async function takeRounds(begin, { rounds, samples, ...options }) {
  const taken = {}
  for (let round = 0; round < rounds; round += 1) {
    const { subjects, end } = await begin()
    try {
      const share = await takeTurns(subjects, { ...options, samples: Math.ceil(samples / rounds) })
      for (const [name, some] of Object.entries(share)) taken[name] = [...(taken[name] ?? []), ...some]
    } finally {
      await end()
    }
  }
  return taken
}
