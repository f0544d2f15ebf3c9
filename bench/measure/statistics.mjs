// What is said of samples: quantiles, and how sure of them one can be.

/** The value below which the given share of the samples lies. @returns {number} */
export function quantile(samples, share) {
  const sorted = Float64Array.from(samples).sort()
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]
}

export const median = (samples) => quantile(samples, 0.5)

/**
 * The middle 95 % of what a statistic is when the samples are drawn again from themselves (Efron's percentile bootstrap).
 * Where they come from several rounds, an equal share of each group from each, rounds are drawn and then samples within
 * them: those of one process resemble each other. The same samples give the same interval: the numbers drawn are always the same.
 */
function bootstrapInterval(groups, statistic, rounds) {
  const random = randomIntegers()
  const values = Array.from({ length: 500 }, () => {
    const drawn = Array.from({ length: rounds }, () => (rounds === 1 ? 0 : random() % rounds))
    return statistic(...groups.map((samples) => redrawn(samples, drawn, random)))
  })
  return { low: quantile(values, 0.025), high: quantile(values, 0.975) }
}

function redrawn(samples, rounds, random) {
  const share = samples.length / rounds.length
  return Float64Array.from(samples, (_, index) => samples[rounds[Math.floor(index / share)] * share + (random() % share)])
}

/** Marsaglia's xorshift, 32 bits. */
function randomIntegers() {
  let state = 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}

/** What a statistic is of groups of samples: `{ value, low, high }`. */
export function estimate(groups, statistic, rounds = 1) {
  return { value: statistic(...groups), ...bootstrapInterval(groups, statistic, rounds) }
}

/** `{ n, p50, p90, p99 }`, each of the last three an estimate. */
export function summarise(samples, rounds) {
  const at = (share) => estimate([samples], (drawn) => quantile(drawn, share), rounds)
  return { n: samples.length, p50: at(0.5), p90: at(0.9), p99: at(0.99) }
}

/** A ratio of two medians, or of other quantiles. */
export function ratioOf(above, below, { rounds = 1, share = 0.5 } = {}) {
  return estimate([above, below], (a, b) => quantile(a, share) / quantile(b, share), rounds)
}

/** Of the line of least squares: y over x. */
export function slopeThrough(points) {
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length
  const [mx, my] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))]
  const sxy = points.reduce((sum, [x, y]) => sum + (x - mx) * (y - my), 0)
  return sxy / points.reduce((sum, [x]) => sum + (x - mx) ** 2, 0)
}
