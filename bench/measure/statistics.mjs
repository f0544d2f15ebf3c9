// What is said of samples: quantiles, and how sure of them one can be.

/** The value below which the given share of the samples lies. */
export function quantile(samples, share) {
  return quantileOfSorted(Float64Array.from(samples).sort(), share)
}

function quantileOfSorted(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]
}

export const median = (samples) => quantile(samples, 0.5)

/**
 * The middle 95 % of what a statistic is when the samples are drawn again from themselves (Efron's percentile bootstrap).
 * Where they come from several rounds, an equal share of each group from each, rounds are drawn and then samples within
 * them: those of one process resemble each other. The same samples give the same interval: the numbers drawn are always the same.
 */
export function bootstrapInterval(groups, statistic, { draws = 500, seed = 1, rounds = 1 } = {}) {
  const random = randomIntegers(seed)
  const values = Array.from({ length: draws }, () => {
    const drawn = Array.from({ length: rounds }, () => (rounds === 1 ? 0 : random() % rounds))
    return statistic(...groups.map((samples) => redrawn(samples, drawn, random)))
  }).sort((a, b) => a - b)
  return { low: quantileOfSorted(values, 0.025), high: quantileOfSorted(values, 0.975) }
}

function redrawn(samples, rounds, random) {
  const share = samples.length / rounds.length
  return Float64Array.from(samples, (_, index) => samples[rounds[Math.floor(index / share)] * share + (random() % share)])
}

/** Marsaglia's xorshift, 32 bits. */
function randomIntegers(seed) {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}

/** `{ n, p50, p90, p99 }`, each of the last three `{ value, low, high }`. */
export function summarise(samples, rounds) {
  const statistic = (share) => (drawn) => quantile(drawn, share)
  const told = (share) => ({ value: quantile(samples, share), ...bootstrapInterval([samples], statistic(share), { rounds }) })
  return { n: samples.length, p50: told(0.5), p90: told(0.9), p99: told(0.99) }
}

/** A ratio of two medians, or of other quantiles, with its interval. */
export function ratioOf(above, below, { rounds = 1, share = 0.5 } = {}) {
  const ratio = (a, b) => quantile(a, share) / quantile(b, share)
  return { value: ratio(above, below), ...bootstrapInterval([above, below], ratio, { rounds }) }
}

/** Of the line of least squares: y over x. */
export function slopeThrough(points) {
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length
  const [mx, my] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))]
  const sxy = points.reduce((sum, [x, y]) => sum + (x - mx) * (y - my), 0)
  return sxy / points.reduce((sum, [x]) => sum + (x - mx) ** 2, 0)
}
