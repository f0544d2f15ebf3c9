import { html, type Markup } from './html.ts'

export interface Point {
  /** Milliseconds. */
  readonly at: number
  readonly value: number
}

export interface Chart {
  readonly title: string
  readonly points: readonly Point[]
  readonly from: number
  readonly to: number
  readonly text: (value: number) => string
  readonly timeText: (ms: number) => string
  /** A limit. It is drawn if it is not far above the highest value. */
  readonly most: number | undefined
  /** How the upper end of the scale is rounded up: to an even number, a round decimal number, or a round number of bytes. */
  readonly scale: 'whole' | 'decimal' | 'binary'
  /** A value holds until the next sample, as an average does, instead of at its sample only. */
  readonly isStepped: boolean
}

const [width, height] = [640, 150]
const inner = { left: 70, top: 10, right: 628, bottom: 126 } as const

/** A line over time, with a caption that says the same in words. */
export function chart({ title, points, from, to, text, timeText, most, scale, isStepped }: Chart): Markup {
  const highest = points.reduce((best, point) => (point.value > best.value ? point : best), points[0] ?? { at: from, value: 0 })
  const isNear = most !== undefined && most <= highest.value * 3
  const top = roundedUp(isNear ? Math.max(most, highest.value) : highest.value, scale)
  const x = (at: number): number => rounded(inner.left + (inner.right - inner.left) * (to > from ? (at - from) / (to - from) : 0))
  const y = (value: number): number => rounded(inner.bottom - (inner.bottom - inner.top) * (value / top))
  const line = points.map(({ at, value }, index) => `${index === 0 ? 'M' : 'L'}${x(isStepped && index > 0 ? (points[index - 1]?.at ?? at) : at)} ${y(value)}${isStepped && index > 0 ? ` L${x(at)} ${y(value)}` : ''}`).join(' ')
  const [first, last] = [points[0], points.at(-1)]
  const area = first === undefined || last === undefined ? '' : `${line} L${x(last.at)} ${inner.bottom} L${x(first.at)} ${inner.bottom} Z`
  const words = `${title}: at most ${text(highest.value)}, ${timeText(highest.at)} after the run began${most === undefined ? '' : `; the limit is ${text(most)}`}`
  return html`<figure><figcaption>${words}</figcaption>
<svg class="chart" viewBox="0 0 ${width} ${height}" role="img" aria-label="${words}">
${[0, 0.5, 1].map((part) => html`<line class="grid" x1="${inner.left}" x2="${inner.right}" y1="${y(top * part)}" y2="${y(top * part)}"/><text x="${inner.left - 8}" y="${y(top * part) + 4}" text-anchor="end">${text(top * part)}</text>`)}
<path class="area" d="${area}"/><path class="line" d="${line}"/>
${isNear ? html`<line class="most" x1="${inner.left}" x2="${inner.right}" y1="${y(most)}" y2="${y(most)}"/>` : undefined}
${[0, 0.5, 1].map((part) => html`<text x="${x(from + (to - from) * part)}" y="${height - 6}" text-anchor="${['start', 'middle', 'end'][part * 2]}">${timeText(from + (to - from) * part)}</text>`)}
</svg></figure>`
}

/** Rounds up to a number that is easily halved. */
function roundedUp(value: number, scale: Chart['scale']): number {
  if (scale === 'whole') return Math.max(Math.ceil(value / 2), 1) * 2
  if (value <= 0) return 1
  const [base, factors] = scale === 'binary' ? [2, [1, 1.25, 1.5, 2]] as const : [10, [1, 2, 3, 4, 6, 8, 10]] as const
  const power = base ** Math.floor(Math.log(value) / Math.log(base))
  return factors.map((factor) => factor * power).find((step) => step >= value) ?? value
}

const barWidth = 1000

/** Draws a part of a whole. Both numbers are shares of 1; a very small part is still visible. */
export function bar(from: number, length: number): Markup {
  const least = 3
  const size = Math.min(Math.max(clamped(length) * barWidth, length > 0 ? least : 0), barWidth)
  const x = Math.min(clamped(from) * barWidth, barWidth - size)
  return html`<svg class="bar" viewBox="0 0 ${barWidth} 10" preserveAspectRatio="none" aria-hidden="true" focusable="false"><rect class="track" width="${barWidth}" height="10"/><rect x="${rounded(x)}" width="${rounded(size)}" height="10"/></svg>`
}

export function rounded(value: number): number {
  return Math.round(value * 10) / 10
}

function clamped(value: number): number {
  return Number.isFinite(value) ? Math.min(Math.max(value, 0), 1) : 0
}
