// Results as tables for a terminal.

/**
 * One case: a line a subject.
 * @param {{
 *   name: string, title: string, note?: string, notMeasured?: string, failed?: string, missing?: Record<string, string>,
 *   subjects: { name: string, unit: string, n: number, p50: Told, p90: Told, p99: Told }[],
 * }} one as summaryOf has it
 * @typedef {{ value: number, low: number, high: number }} Told
 */
export function caseText({ name, title, notMeasured, failed, subjects, missing = {}, note }) {
  const lines = [`${name}: ${title}${note === undefined ? '' : ` (${note})`}`]
  if (notMeasured !== undefined) lines.push(`  not measured: ${notMeasured}`)
  if (failed !== undefined) lines.push(`  FAILED: ${failed}`)
  const rows = subjects.map(({ name: subject, unit, n, p50, p90, p99 }) => [
    subject, `${n}`, ...[p50, p90, p99].flatMap(({ value, low, high }) => [number(value), `${number(low)}-${number(high)}`]), unit,
  ])
  if (rows.length > 0) lines.push(...table([['', 'n', 'p50', '', 'p90', '', 'p99', '', ''], ...rows]))
  for (const [subject, reason] of Object.entries(missing)) lines.push(`  ${subject}: not measured: ${reason}`)
  return lines.join('\n')
}

/** The claims and whether they hold. */
export function ratiosText(ratios) {
  if (ratios.length === 0) return 'no ratio is about these cases'
  const rows = ratios.map(({ name, value, low, high, bar, bound, verdict, notMeasured }) => [
    name,
    value === null ? '-' : number(value),
    value === null ? '' : `${number(low)}-${number(high)}`,
    verdict === 'not judged' ? '' : `${bound} ${number(bar)}`,
    `${verdict === 'does not hold' ? 'DOES NOT HOLD' : verdict}${notMeasured === undefined ? '' : `: ${notMeasured}`}`,
  ])
  return table([['ratio', 'value', '95 %', 'bar', ''], ...rows]).join('\n')
}

/** Three significant digits, and never an exponent. */
export function number(value) {
  if (!Number.isFinite(value)) return String(value)
  const digits = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)))
  return value.toFixed(Math.min(6, Math.max(0, 2 - digits)))
}

/** Lines of aligned cells: the first column and the last are text, the others are numbers. */
export function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)))
  return rows.map((row) => {
    const cells = row.map((cell, column) =>
      column === 0 || column === row.length - 1 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]),
    )
    return `  ${cells.join('  ')}`.trimEnd()
  })
}
