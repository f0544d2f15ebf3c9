// A run's results as they are kept.
import { summarise } from '../measure/statistics.mjs'

/**
 * A case without its samples: of each subject how many there were, and quantiles with their intervals.
 * @param {import('../ratios.mjs').Case & { title: string, note?: string }} one
 */
export function summaryOf({ rounds, subjects = [], ...one }) {
  return { ...one, subjects: subjects.map(({ name, unit, samples }) => ({ name, unit, ...summarise(samples, rounds) })) }
}

/** JSON with a line a subject, in digits that a clock gives. */
export function resultsJson(results) {
  const rounded = JSON.parse(JSON.stringify(results, (_, value) => (typeof value === 'number' ? Number(value.toPrecision(5)) : value)))
  return `${laidOut(rounded, '')}\n`
}

function laidOut(value, indent) {
  const json = JSON.stringify(value)
  if (typeof value !== 'object' || value === null || json.length < 240) return json
  const inner = `${indent}  `
  if (Array.isArray(value)) return `[\n${value.map((item) => inner + laidOut(item, inner)).join(',\n')}\n${indent}]`
  return `{\n${Object.entries(value).map(([key, item]) => `${inner}${JSON.stringify(key)}: ${laidOut(item, inner)}`).join(',\n')}\n${indent}}`
}
