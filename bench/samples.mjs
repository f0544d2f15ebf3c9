/**
 * Runs the cases in turn, a block of each at a time and the blocks over and over, so that whatever else the machine does hits
 * all of them alike, and each is measured as it is when used again and again. The first block of each is not counted.
 */
export async function sampleInTurn(cases, { blocks, perBlock, onBlock = () => {} }) {
  const samples = Object.fromEntries(Object.keys(cases).map((name) => [name, []]))
  for (let block = 0; block <= blocks; block++) {
    for (const [name, run] of Object.entries(cases)) {
      for (let sample = 0; sample < perBlock; sample++) {
        const began = performance.now()
        await run()
        if (block > 0) samples[name].push(performance.now() - began)
      }
    }
    onBlock(block)
  }
  return samples
}

/** The value below which the given share of the samples lies. */
export function quantile(samples, share) {
  const sorted = samples.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]
}

/** A line a case. */
export function printSamples(samples) {
  for (const [name, values] of Object.entries(samples)) {
    const [p50, p90, p99] = [0.5, 0.9, 0.99].map((share) => quantile(values, share).toFixed(2).padStart(9))
    console.log(`  ${name.padEnd(20)} p50 ${p50} ms   p90 ${p90} ms   p99 ${p99} ms`)
  }
}
