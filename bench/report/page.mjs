// One page that shows a run's results, with everything it needs in itself.
import { summarise } from '../measure/statistics.mjs'
import { claimsTable } from './charts/claims.mjs'
import { distributionChart } from './charts/distribution.mjs'
import { growthChart } from './charts/growth.mjs'
import { waterfallChart } from './charts/waterfall.mjs'
import { escaped, tag } from './markup.mjs'
import { style } from './style.mjs'
import { number } from './text.mjs'

/** The HTML of what main.mjs writes as JSON. */
export function pageOf({ machine, isQuick, cases, ratios }) {
  const title = `buildjail, measured on ${machine.system === 'freebsd' ? 'FreeBSD' : 'Linux'}`
  const head = [
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    tag('title', {}, escaped(title)),
    `<style>${style}</style>`,
  ]
  const main = tag('main', {}, tag('h1', {}, escaped(title)), about(machine, isQuick), claims(ratios), cases.map(section))
  return `<!doctype html>\n<html lang="en"><head>${head.join('\n')}</head>\n<body>${main}</body></html>\n`
}

function about(machine, isQuick) {
  const { date, kernel, architecture, processor, cores, memoryMiB, isEmulated, runtime, version, revision, user, tools } = machine
  const facts = {
    Machine: `${processor}, ${cores} cores, ${memoryMiB} MiB, ${architecture}${isEmulated ? ', emulated' : ''}`,
    Kernel: kernel,
    Runtime: `${runtime}, as ${user === 'root' ? 'root' : 'an ordinary user'}`,
    buildjail: `${version}, revision ${revision}`,
    Peers: Object.values(tools).join('; '),
    Date: date.slice(0, 16).replace('T', ' '),
  }
  const rows = Object.entries(facts).flatMap(([name, value]) => [tag('dt', {}, name), tag('dd', {}, escaped(value))])
  const how = isQuick ? 'Few samples: a quick run. ' : ''
  const text = `${how}Each case in a process of its own, what is compared taken in turn. Milliseconds are this machine’s; the ratios are what is claimed.`
  return tag('p', {}, text) + tag('dl', {}, rows)
}

function claims(ratios) {
  if (ratios.length === 0) return ''
  return tag('h2', {}, 'What is claimed') + tag('p', {}, 'The mark is the bar; a claim holds while it stays left of it.') + tag('div', { class: 'card' }, claimsTable(ratios))
}

function section({ name, title, axis, subjects = [], rounds, waterfall, notMeasured, failed, missing = {}, note }) {
  const what = `${title}${note === undefined ? '' : ` (${note})`}`
  const heading = tag('h2', { id: name }, tag('code', {}, escaped(name))) + tag('p', {}, `${code(what)}.`)
  const problem = notMeasured ?? failed
  if (problem !== undefined) return heading + tag('div', { class: 'card' }, tag('p', { class: 'missing' }, `not measured: ${escaped(problem)}`))
  const lacks = Object.entries(missing).map(([subject, reason]) => tag('p', { class: 'missing' }, `${escaped(subject)}: not measured: ${escaped(reason)}`))
  const charts = axis === undefined ? distributions(subjects) : growths(subjects, axis)
  const shown = tag('div', { class: 'card' }, charts, lacks, figures(subjects, rounds))
  return heading + shown + (waterfall === undefined ? '' : steps(waterfall))
}

// Subjects may ask for a chart beside the first, by its name.
function growths(subjects, axis) {
  const drawn = subjects.filter(({ series }) => series !== undefined)
  const names = [...new Set(drawn.map(({ chart }) => chart))]
  return names.map((name) => (name === undefined ? '' : tag('h3', {}, escaped(name))) + growthChart(drawn.filter(({ chart }) => chart === name), axis))
}

// A distribution of a few samples is none.
function distributions(subjects) {
  const units = [...new Set(subjects.map(({ unit }) => unit))]
  return units.map((unit) => subjects.filter((subject) => subject.unit === unit && subject.samples.length > 1)).filter((group) => group.length > 0).map(distributionChart)
}

function steps(waterfall) {
  const key = ['open', 'run', 'close'].map((phase) => tag('span', { style: `--swatch:var(--${phase})` }, phase))
  return tag('h2', { id: 'steps' }, 'The steps of a session') +
    tag('p', {}, 'Means over the middle half of the sessions “open, run, close” above, so that the steps add up to the whole. Steps of one kind in one directory are one row.') +
    tag('div', { class: 'card' }, tag('div', { class: 'key' }, key), waterfallChart(waterfall))
}

function figures(subjects, rounds) {
  const head = ['', 'samples', 'p50', '', 'p90', '', 'p99', '', ''].map((word) => tag('th', {}, word))
  const rows = subjects.map(({ name, unit, samples }) => {
    const { n, p50, p90, p99 } = summarise(samples, rounds)
    const cells = [p50, p90, p99].flatMap(({ value, low, high }) => [number(value), `${number(low)} – ${number(high)}`])
    return tag('tr', {}, tag('td', {}, escaped(name)), [String(n), ...cells, unit].map((cell) => tag('td', { class: 'figure' }, escaped(cell))))
  })
  const table = tag('table', {}, tag('thead', {}, tag('tr', {}, head)), tag('tbody', {}, rows))
  return tag('details', {}, tag('summary', {}, 'figures, with their 95 % intervals'), tag('div', { class: 'figures' }, table))
}

/** Words between backquotes are code. */
function code(words) {
  return escaped(words).replaceAll(/`([^`]+)`/g, '<code>$1</code>')
}
