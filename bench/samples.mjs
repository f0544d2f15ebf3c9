/** Runs the cases in turn, round after round, so that whatever else the machine does hits all of them alike. */
export async function sampleInTurn(cases, { warmUps, rounds, onRound = () => {} }) {
  const samples = Object.fromEntries(Object.keys(cases).map((name) => [name, []]))
  for (let round = -warmUps; round < rounds; round++) {
    for (const [name, run] of Object.entries(cases)) {
      const began = performance.now()
      await run()
      if (round >= 0) samples[name].push(performance.now() - began)
    }
    onRound(round)
  }
  return samples
}

/** The value below which the given share of the samples lies. */
export function quantile(samples, share) {
  const sorted = samples.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]
}
