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
 * used again and again. The first block of each only warms up.
 * @param {Record<string, (count: number) => Promise<unknown[]>>} subjects
 * @param {{ samples: number, perBlock: number, onTurn?: (done: number, of: number) => void }} options
 * @returns {Promise<Record<string, any[]>>} at least `samples` of each
 */
export async function takeTurns(subjects, { samples, perBlock, onTurn = () => {} }) {
  const blocks = Math.ceil(samples / perBlock)
  const taken = Object.fromEntries(Object.keys(subjects).map((name) => [name, []]))
  for (let block = 0; block <= blocks; block += 1) {
    for (const [name, take] of Object.entries(subjects)) {
      const more = await take(perBlock)
      if (block > 0) taken[name].push(...more)
    }
    onTurn(block, blocks)
  }
  return taken
}
