/** The steps of a session and what each took, as an aligned table. */
export function printTimings(trace) {
  const rows = trace.map(({ step, path = '', ns }) => [step, path, duration(ns)])
  rows.push(['total', '', duration(trace.reduce((sum, { ns }) => sum + ns, 0))])
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column].length)))
  for (const [step, where, time] of rows) {
    console.log(`${step.padEnd(widths[0])}  ${where.padEnd(widths[1])}  ${time.padStart(widths[2])}`)
  }
}

function duration(ns) {
  return ns < 1_000_000 ? `${(ns / 1000).toFixed(1)} µs` : `${(ns / 1_000_000).toFixed(2)} ms`
}
