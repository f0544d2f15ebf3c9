// The claims: how far each is from its bar, on one scale.
import { escaped, tag } from '../markup.mjs'
import { number } from '../text.mjs'

/** @param {ReturnType<typeof import('../../ratios.mjs').ratiosOf>} ratios */
export function claimsTable(ratios) {
  const head = tag('tr', {}, ['ratio', 'value', '95 % interval', 'bar', 'of its bar', ''].map((word) => tag('th', {}, word)))
  return tag('table', { class: 'claims' }, tag('thead', {}, head), tag('tbody', {}, ratios.map(row)))
}

function row({ name, value, low, high, bar, bound, holds, notMeasured }) {
  const interval = value === null ? '' : `${number(low)} – ${number(high)}`
  const verdict = holds ? 'holds' : value === null ? 'not measured' : 'does not hold'
  return tag(
    'tr',
    { class: holds ? 'holds' : 'fails' },
    tag('td', {}, tag('code', {}, escaped(name))),
    tag('td', { class: 'figure' }, value === null ? '–' : number(value)),
    tag('td', { class: 'figure' }, interval),
    tag('td', { class: 'figure' }, `${escaped(bound.replace('<=', '≤').replace('>=', '≥'))} ${number(bar)}`),
    tag('td', {}, value === null ? escaped(notMeasured) : gauge(bound.startsWith('>') ? bar / value : value / bar)),
    tag('td', { class: 'verdict' }, verdict),
  )
}

/** The bar stands at two thirds; shorter is better, whichever way the claim goes. */
function gauge(share) {
  const fill = Math.min(100, Math.max(0.5, (share * 200) / 3))
  return tag('span', { class: 'gauge', title: `${number(share * 100)} % of the bar` }, tag('span', { class: 'fill', style: `width:${fill.toFixed(1)}%` }), tag('span', { class: 'mark' }))
}
