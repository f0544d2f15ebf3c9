// HTML and SVG as text.

/** Text as it may stand between tags and in quoted attributes. */
export function escaped(words) {
  return String(words).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

/** An element; children are markup already. */
export function tag(name, attributes = {}, ...children) {
  const given = Object.entries(attributes).filter(([, value]) => value !== undefined)
  const words = given.map(([key, value]) => ` ${key}="${escaped(typeof value === 'number' ? round(value) : value)}"`).join('')
  return `<${name}${words}>${children.flat().join('')}</${name}>`
}

/** A drawing that is as wide as its place, and says in words what it shows. */
export function drawing(width, height, label, ...children) {
  return tag('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': label }, ...children)
}

export function text(x, y, words, attributes = {}) {
  return tag('text', { x, y, ...attributes }, escaped(words))
}

const round = (value) => Number(value.toFixed(2))
