// How a figure grows with something: a line a series through the medians, in a band that holds the middle half of the samples.
import { quantile } from '../../measure/statistics.mjs'
import { drawing, tag, text } from '../markup.mjs'
import { linearScale, logScale, logScaleWithZero } from '../scale.mjs'
import { number, tickLabel } from '../text.mjs'

const width = 960
const height = 380
const area = { left: 70, right: 750, top: 16, bottom: 330 }
const wide = 20

/**
 * @param {{ name: string, series: string, x: number, unit: string, samples: number[], hue?: number, isDashed?: boolean }[]} subjects
 *   `hue` is the number of the series' colour, for series that belong together
 */
export function growthChart(subjects, axis) {
  const [{ unit }] = subjects
  const places = [...new Set(subjects.map(({ x }) => x))].sort((a, b) => a - b)
  const series = groups(subjects)
  const isWide = places.at(-1) / (places.find((place) => place > 0) ?? 1) > wide
  const x = isWide ? logScaleWithZero(places, [area.left + 24, area.right - 8]) : linearScale([0, places.at(-1)], [area.left, area.right - 8])
  const y = verticalScale(subjects, isWide)
  const grid = [
    ...y.ticks.flatMap((tick) => [
      tag('line', { class: 'grid', x1: area.left, x2: area.right, y1: y(tick), y2: y(tick) }),
      text(area.left - 8, y(tick) + 4, tickLabel(tick), { class: 'tick', 'text-anchor': 'end' }),
    ]),
    ...places.map((place) => text(x(place), area.bottom + 20, String(place), { class: 'tick', 'text-anchor': 'middle' })),
    text((area.left + area.right) / 2, area.bottom + 42, axis, { class: 'label', 'text-anchor': 'middle' }),
    text(area.left - 8, area.bottom + 20, unit, { class: 'tick', 'text-anchor': 'end' }),
  ]
  const lines = series.map(([name, points], index) => line(name, points, { x, y, index }))
  const legend = legendOf(series, y)
  return drawing(width, height, `${series.map(([name]) => name).join(', ')} by ${axis}`, ...grid, ...lines, ...legend)
}

function groups(subjects) {
  const found = new Map()
  for (const subject of subjects) found.set(subject.series, [...(found.get(subject.series) ?? []), subject])
  return [...found]
}

function verticalScale(subjects, isLog) {
  const low = Math.min(...subjects.map(({ samples }) => quantile(samples, 0.25)))
  const high = Math.max(...subjects.map(({ samples }) => quantile(samples, 0.75)))
  return isLog ? logScale([low * 0.8, high * 1.2], [area.bottom, area.top]) : linearScale([0, high * 1.05], [area.bottom, area.top])
}

function line(name, points, { x, y, index }) {
  const at = (share) => points.map((point) => `${x(point.x).toFixed(1)},${y(quantile(point.samples, share)).toFixed(1)}`)
  return tag(
    'g',
    { class: `series series-${points[0].hue ?? index}${points[0].isDashed ? ' dashed' : ''}` },
    tag('polygon', { class: 'band', points: [...at(0.25), ...at(0.75).reverse()].join(' ') }),
    tag('polyline', { class: 'line', points: at(0.5).join(' ') }),
    points.map((point) =>
      tag('circle', { cx: x(point.x), cy: y(quantile(point.samples, 0.5)), r: 3.5 }, tag('title', {}, `${name}, ${point.x}: ${number(quantile(point.samples, 0.5))} ${point.unit}`)),
    ),
  )
}

// Beside the ends of the lines, moved apart where they would cover each other.
function legendOf(series, y) {
  const ends = series.map(([name, points], index) => ({ name, hue: points[0].hue ?? index, at: y(quantile(points.at(-1).samples, 0.5)) }))
  ends.sort((a, b) => a.at - b.at)
  let last = -Infinity
  for (const end of ends) {
    end.at = Math.max(end.at + 4, last + 17)
    last = end.at
  }
  const over = Math.max(0, last - area.bottom - 8)
  return ends.map(({ name, hue, at }) => text(area.right + 10, at - over, name, { class: `legend series-${hue}` }))
}
