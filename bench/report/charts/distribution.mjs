// How samples are spread: a histogram a subject, all on one logarithmic axis, the median marked.
import { drawing, tag, text } from '../markup.mjs'
import { quantile } from '../../measure/statistics.mjs'
import { logScale } from '../scale.mjs'
import { number, tickLabel } from '../text.mjs'

const width = 960
const labelWidth = 230
const valueWidth = 130
const rowHeight = 46
const bins = 90
const bottom = 26

/** @param {{ name: string, unit: string, samples: number[] }[]} subjects of one unit; the first is the package's own */
export function distributionChart(subjects) {
  const [{ unit }] = subjects
  const { low, high } = rangeOf(subjects)
  const x = logScale([low, high], [labelWidth, width - valueWidth])
  const height = subjects.length * rowHeight + bottom
  const grid = x.ticks.flatMap((tick) => [
    tag('line', { class: 'grid', x1: x(tick), x2: x(tick), y1: 4, y2: height - bottom + 4 }),
    text(x(tick), height - 8, `${tickLabel(tick)} ${unit}`, { class: 'tick', 'text-anchor': 'middle' }),
  ])
  const rows = subjects.map((subject, index) => row(subject, { x, low, high, base: (index + 1) * rowHeight - 4, isOwn: index === 0 }))
  const medians = subjects.map(({ name, samples }) => `${name} ${number(quantile(samples, 0.5))} ${unit}`)
  return drawing(width, height, `distributions; medians: ${medians.join(', ')}`, ...grid, ...rows)
}

// From the fastest sample to the 99th hundredth: the few beyond would squeeze all others together.
function rangeOf(subjects) {
  const low = Math.min(...subjects.map(({ samples }) => Math.max(1e-6, Math.min(...samples))))
  const high = Math.max(...subjects.map(({ samples }) => quantile(samples, 0.99)))
  return { low: low * 0.9, high: Math.max(high * 1.1, low * 2) }
}

function row({ name, unit, samples }, { x, low, high, base, isOwn }) {
  const counts = Array.from({ length: bins }, () => 0)
  for (const sample of samples) {
    const share = Math.log(Math.max(low, sample) / low) / Math.log(high / low)
    if (share <= 1) counts[Math.min(bins - 1, Math.floor(share * bins))] += 1
  }
  const most = Math.max(...counts)
  const [from, to] = [x(low), x(high)]
  const at = (bin) => from + ((to - from) * bin) / bins
  const points = counts.map((count, bin) => `L${at(bin).toFixed(1)} ${(base - (count / most) * (rowHeight - 12)).toFixed(1)}H${at(bin + 1).toFixed(1)}`)
  const middle = quantile(samples, 0.5)
  return tag(
    'g',
    { class: isOwn ? 'own' : 'peer' },
    tag('line', { class: 'base', x1: from, x2: to, y1: base, y2: base }),
    tag('path', { class: 'area', d: `M${from} ${base}${points.join('')}L${to} ${base}Z` }),
    tag('line', { class: 'median', x1: x(middle), x2: x(middle), y1: base - rowHeight + 10, y2: base }),
    text(labelWidth - 12, base - 10, name, { class: 'label', 'text-anchor': 'end' }),
    text(width - valueWidth + 122, base - 10, `${number(middle)} ${unit}`, { class: 'value', 'text-anchor': 'end' }),
  )
}
