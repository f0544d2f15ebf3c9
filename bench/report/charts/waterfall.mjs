// Where a session's time goes: a bar a step, each beginning where the one before ended.
import { drawing, tag, text } from '../markup.mjs'
import { linearScale } from '../scale.mjs'
import { number, tickLabel } from '../text.mjs'

const width = 960
const labelWidth = 330
const valueWidth = 90
const rowHeight = 20
const top = 28

/** @param {{ phase: string, step: string, path?: string, ms: number }[]} parts in order */
export function waterfallChart(parts) {
  const rows = mergedSteps(parts)
  const total = parts.reduce((sum, { ms }) => sum + ms, 0)
  const x = linearScale([0, total], [labelWidth, width - valueWidth])
  const height = top + rows.length * rowHeight + 8
  const grid = x.ticks.flatMap((tick) => [
    tag('line', { class: 'grid', x1: x(tick), x2: x(tick), y1: top - 8, y2: height - 4 }),
    text(x(tick), top - 14, `${tickLabel(tick)} ms`, { class: 'tick', 'text-anchor': 'middle' }),
  ])
  let began = 0
  const bars = rows.map(({ phase, label, ms }, index) => {
    const y = top + index * rowHeight
    const bar = tag('rect', { class: `phase-${phase}`, x: x(began), y: y + 3, width: Math.max(1, x(began + ms) - x(began)), height: rowHeight - 6, rx: 2 })
    const share = `${number(ms * 1000)} µs`
    began += ms
    return [
      text(labelWidth - 12, y + 14, label, { class: 'label', 'text-anchor': 'end' }),
      bar,
      text(width - valueWidth + 82, y + 14, share, { class: 'value', 'text-anchor': 'end' }),
    ].join('')
  })
  return drawing(width, height, `the steps of a session, ${number(total)} ms together`, ...grid, ...bars)
}

/** Steps of one kind that follow each other in one directory are one row, with their number. */
export function mergedSteps(parts) {
  const rows = []
  for (const { phase, step, path, ms } of parts) {
    const parent = path?.slice(0, path.lastIndexOf('/') + 1)
    const last = rows.at(-1)
    if (last !== undefined && path !== undefined && last.phase === phase && last.step === step && last.parent === parent) {
      last.count += 1
      last.ms += ms
    } else {
      rows.push({ phase, step, path, parent, count: 1, ms })
    }
  }
  return rows.map(({ phase, step, path, parent, count, ms }) => {
    const where = count > 1 ? `${parent}… × ${count}` : (path ?? '')
    return { phase, ms, label: `${phase}: ${step} ${where}`.trim() }
  })
}
