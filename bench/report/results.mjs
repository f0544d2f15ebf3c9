// A run's results as they are kept.
import { readFileSync } from 'node:fs'

import { summarise } from '../measure/statistics.mjs'

/** Of the file. */
export const format = 3

/**
 * A case without its samples: of each subject how many there were, and quantiles with their intervals.
 * @param {import('../ratios.mjs').Case & { title: string, note?: string }} one
 */
export function summaryOf({ rounds, subjects = [], ...one }) {
  return { ...one, subjects: subjects.map(({ name, unit, samples }) => ({ name, unit, ...summarise(samples, rounds) })) }
}

/** JSON in digits that a clock gives. */
export function resultsJson(results) {
  return `${JSON.stringify(results, (_, value) => (typeof value === 'number' ? Number(value.toPrecision(5)) : value), 1)}\n`
}

/** @throws Error with one sentence for a person */
export function readResults(file) {
  let results
  try {
    results = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new Error(`${file} cannot be read: ${error.message}`, { cause: error })
  }
  const isWhole = results?.format === format && typeof results.machine === 'object' && Array.isArray(results.cases)
  if (!isWhole) throw new Error(`${file} is no record of this version's buildjail bench`)
  return results
}
