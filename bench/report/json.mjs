// The results as a file: all samples, so that whatever is said of them can be computed again.

/** Five significant digits are more than a clock gives. */
const rounded = (value) => Number(value.toPrecision(5))

/** JSON with a line a subject. */
export function resultsJson(results, { isOneLine = false } = {}) {
  const cases = results.cases.map((one) => ({
    ...one,
    ...(one.subjects && { subjects: one.subjects.map((subject) => ({ ...subject, samples: subject.samples.map(rounded) })) }),
    ...(one.waterfall && { waterfall: one.waterfall.map((part) => ({ ...part, ms: rounded(part.ms) })) }),
  }))
  const plain = { ...results, cases }
  if (isOneLine) return JSON.stringify(plain)
  // What has no list or object in it stays on one line.
  return `${laidOut(plain, '')}\n`
}

function laidOut(value, indent) {
  const isFlat = typeof value !== 'object' || value === null || Object.values(value).every(isLeaf)
  if (isFlat) return JSON.stringify(value)
  const inner = `${indent}  `
  if (Array.isArray(value)) return `[\n${value.map((item) => inner + laidOut(item, inner)).join(',\n')}\n${indent}]`
  const entries = Object.entries(value).filter(([, item]) => item !== undefined)
  return `{\n${entries.map(([key, item]) => `${inner}${JSON.stringify(key)}: ${laidOut(item, inner)}`).join(',\n')}\n${indent}}`
}

const isLeaf = (item) => typeof item !== 'object' || item === null || (Array.isArray(item) && item.every((one) => typeof one === 'number'))
