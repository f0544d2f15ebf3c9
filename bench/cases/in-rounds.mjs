// A case that is measured in rounds, and what it tells then.
import { takeRounds } from '../measure/turns.mjs'

/**
 * @param {object} bench what case-process.mjs gives a case
 * @param {{ rounds: number, samples: number }} usual rounds where nothing calls for fewer, and how many samples there are in all
 * @param {() => Promise<{ subjects: object, end: () => Promise<void>, notMeasured: Record<string, string> }>} begin as takeRounds
 *   has it, and what a round cannot measure
 */
export async function inRounds(bench, usual, begin) {
  const rounds = bench.rounds(usual.rounds)
  let notMeasured = {}
  const begun = async () => {
    const round = await begin()
    notMeasured = round.notMeasured
    return round
  }
  const taken = await takeRounds(begun, {
    rounds,
    samples: usual.samples,
    perBlock: bench.perBlock(10),
    warmUp: bench.warmUp,
    onTurn: bench.progress,
  })
  return { subjects: Object.entries(taken).map(([name, samples]) => ({ name, unit: 'ms', samples })), rounds, notMeasured }
}
