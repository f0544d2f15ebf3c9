// A run as a page for a browser.
import { bar } from '../../dist/page/chart.js'
import { code, documentOf, sums, table } from '../../dist/page/document.js'
import { html } from '../../dist/page/html.js'
import { duration } from '../../dist/page/figures.js'
import { interval, number } from './table.mjs'

/** @param {object} results as the record has them */
export function pageOf({ machine, isQuick, cases, ratios }) {
  const on = `${machine.kernel} on ${machine.processor}${machine.isEmulated ? ' (emulated)' : ''}, ${machine.cores} cores; ${machine.runtime} as ${machine.user}`
  const [day, time] = [machine.date.slice(0, 10), machine.date.slice(11, 19)]
  return documentOf({
    title: 'What a session costs here',
    heading: 'What a session costs here',
    intro: [html`<time datetime="${machine.date}">${day} ${time} UTC</time>, ${on}${isQuick ? '; few samples' : ''}`],
    opening: [sums(figures(cases))],
    sections: [
      ...cases.map((one) => ({ name: one.name, heading: one.name, content: caseOf(one) })),
      ...(ratios.length === 0 ? [] : [{ name: 'ratios', heading: 'Ratios', content: ratiosOf(ratios) }]),
    ],
    madeBy: machine.revision,
  })
}

/** What people ask for first, where it was measured. */
function figures(cases) {
  const asked = [['A build', 'cold-build', 'build(plan)'], ['A run', 'warm-run', 'session.run'], ['A spawn outside', 'warm-run', 'child_process.spawn']]
  return asked.flatMap(([words, of, name]) => {
    const found = cases.find((one) => one.name === of)?.subjects.find((subject) => subject.name === name)
    return found === undefined ? [] : [[words, duration(found.p50.value)]]
  })
}

function caseOf({ title, subjects, notMeasured, failed, missing = {} }) {
  const words = title.split('`').map((part, index) => (index % 2 === 1 ? code(part) : part))
  const what = html`<p>${words}.</p>`
  if (failed !== undefined) return html`${what}<p class="bad">It failed: ${failed}</p>`
  if (notMeasured !== undefined) return html`${what}<p>Not measured: ${notMeasured}.</p>`
  const longest = Math.max(...subjects.map(({ p50 }) => p50.value))
  const rows = subjects.map(({ name, unit, n, p50, p90, p99 }) => [
    name, `${number(p50.value)} ${unit}`, interval(p50), number(p90.value), number(p99.value), String(n), bar(0, longest > 0 ? p50.value / longest : 0),
  ])
  const columns = [
    { name: 'What', style: 'code' }, { name: 'Median', style: 'number' }, { name: '95 % interval', style: 'number' },
    { name: 'p90', style: 'number' }, { name: 'p99', style: 'number' }, { name: 'Samples', style: 'number' }, { name: 'Beside the others', style: 'wide', isUnnamed: true },
  ]
  const lacks = Object.entries(missing).map(([name, reason]) => html`<p>${code(name)} was not measured: ${reason}.</p>`)
  return html`${what}${table(title.replaceAll('`', ''), columns, rows)}${lacks}`
}

function ratiosOf(ratios) {
  const columns = [{ name: 'Ratio', style: 'code' }, { name: 'Value', style: 'number' }, { name: '95 % interval', style: 'number' }]
  const told = ratios.filter(({ value }) => value !== null)
  return table('Ratios of medians in this run', columns, told.map(({ name, value, low, high }) => [name, number(value), interval({ low, high })]))
}
