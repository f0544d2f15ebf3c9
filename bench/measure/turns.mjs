// Subjects measured in turn, so that whatever else the machine does meets all of them alike.

/** A subject that runs in this process: an action, timed in milliseconds. */
export function action(run) {
  return async (count) => {
    const samples = []
    for (let sample = 0; sample < count; sample += 1) {
      const began = performance.now()
      await run()
      samples.push(performance.now() - began)
    }
    return samples
  }
}

/**
 * Asks each subject for a block of samples, all of them in turn, over and over, so that each is measured as it is when
 * used again and again. Before that they are warmed up, in turn as well: each by so many samples as are asked for, if they do
 * not take longer than `warmUpMs`, and by one block at least.
 * @param {Record<string, (count: number) => Promise<unknown[]>>} subjects
 * @param {{ samples: number, perBlock: number, warmUp?: number, isBackAndForth?: boolean, onTurn?: (done: number, of: number) => void }}
 *   options `isBackAndForth`: every second time in reverse, for subjects that the one before them could make faster or slower
 * @returns {Promise<Record<string, any[]>>} at least `samples` of each
 */
export async function takeTurns(subjects, { samples, perBlock, warmUp = 0, isBackAndForth = false, onTurn = () => {} }) {
  await warm(Object.values(subjects), perBlock, warmUp)
  const blocks = Math.ceil(samples / perBlock)
  const taken = Object.fromEntries(Object.keys(subjects).map((name) => [name, []]))
  const forth = Object.entries(subjects)
  const back = isBackAndForth ? forth.toReversed() : forth
  for (let block = 1; block <= blocks; block += 1) {
    for (const [name, take] of block % 2 === 0 ? back : forth) taken[name].push(...(await take(perBlock)))
    onTurn(block, blocks)
  }
  return taken
}

/**
 * takeTurns of one stage after the other, for subjects that would make others slower.
 * @param {{ subjects: Record<string, (count: number) => Promise<unknown[]>>, samples: number }[]} stages
 * @param {{ perBlock: number, warmUp?: number, onTurn?: (done: number, of: number) => void }} options
 * @returns {Promise<Record<string, any[]>>} of the subjects of all stages
 */
export async function takeStages(stages, { onTurn = () => {}, ...options }) {
  const taken = {}
  for (const [index, { subjects, samples }] of stages.entries()) {
    const onTurnHere = (done, of) => onTurn(index * of + done, stages.length * of)
    Object.assign(taken, await takeTurns(subjects, { ...options, samples, onTurn: onTurnHere }))
  }
  return taken
}

/**
 * takeStages in so many rounds, each with programs of its own and an equal share of the samples: one process can be slower than
 * another of the same program, by where its memory happens to lie (Mytkowicz et al., "Producing wrong data without doing
 * anything obviously wrong!", ASPLOS 2009).
 * @param {() => Promise<{ stages: Parameters<typeof takeStages>[0], end: () => Promise<void> }>} begin the stages of a round, their
 *   samples being those of all rounds; and how to end its programs
 * @param {{ rounds: number, perBlock: number, warmUp?: number, onTurn?: (done: number, of: number) => void }} options
 * @returns {Promise<Record<string, any[]>>} of each subject a share from each round, one after the other
 */
export async function takeRounds(begin, { rounds, onTurn = () => {}, ...options }) {
  const taken = {}
  for (let round = 0; round < rounds; round += 1) {
    const { stages, end } = await begin()
    try {
      const shares = stages.map((stage) => ({ ...stage, samples: Math.ceil(stage.samples / rounds) }))
      const onTurnHere = (done, of) => onTurn(round * of + done, rounds * of)
      const share = await takeStages(shares, { ...options, onTurn: onTurnHere })
      for (const [name, some] of Object.entries(share)) taken[name] = [...(taken[name] ?? []), ...some]
    } finally {
      await end()
    }
  }
  return taken
}

/** Milliseconds. What takes that long does so for other reasons than that its code is new. */
const warmUpMs = 3000

async function warm(takes, perBlock, samples) {
  let left = takes.map((take) => ({ take, taken: 0, ms: 0 }))
  while (left.length > 0) {
    for (const one of left) {
      const began = performance.now()
      await one.take(perBlock)
      one.taken += perBlock
      one.ms += performance.now() - began
    }
    left = left.filter(({ taken, ms }) => taken < samples && ms < warmUpMs)
  }
}
