// A case that is measured in rounds, and what it tells then.
import { takeRounds } from '../measure/turns.mjs'

/**
 * @param {object} bench what case-process.mjs gives a case
 * @param {number} usualRounds where nothing calls for fewer
 * @param {() => Promise<{ stages: object[], end: () => Promise<void>, notMeasured: Record<string, string> }>} begin as takeRounds
 *   has it, and what a round cannot measure
 */
export async function inRounds(bench, usualRounds, begin) {
  const rounds = bench.rounds(usualRounds)
  let notMeasured = {}
  const begun = async () => {
    const round = await begin()
    notMeasured = round.notMeasured
    return round
  }
  const taken = await takeRounds(begun, {
    rounds,
    perBlock: bench.perBlock(10),
    warmUp: bench.warmUp,
    onTurn: bench.progress,
  })
  return { subjects: Object.entries(taken).map(([name, samples]) => ({ name, unit: 'ms', samples })), rounds, notMeasured }
}
