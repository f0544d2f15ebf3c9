import { html, type Markup } from './html.ts'

const width = 1000

/** A part of a whole, beside the words that say the same. Shares of 1; what is very small is still seen. */
export function bar(from: number, length: number): Markup {
  const least = 3
  const size = Math.min(Math.max(clamped(length) * width, length > 0 ? least : 0), width)
  const x = Math.min(clamped(from) * width, width - size)
  return html`<svg class="bar" viewBox="0 0 ${width} 10" preserveAspectRatio="none" aria-hidden="true" focusable="false"><rect class="track" width="${width}" height="10"/><rect x="${rounded(x)}" width="${rounded(size)}" height="10"/></svg>`
}

export function rounded(value: number): number {
  return Math.round(value * 10) / 10
}

function clamped(value: number): number {
  return Number.isFinite(value) ? Math.min(Math.max(value, 0), 1) : 0
}
