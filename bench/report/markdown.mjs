// Results as the tables of docs/performance.md.
import { quantile } from '../measure/statistics.mjs'
import { mergedSteps } from './charts/waterfall.mjs'
import { number } from './text.mjs'

/** All that the document shows of one system, from what main.mjs writes as JSON. */
export function figuresMarkdown({ machine, isQuick, cases, ratios }) {
  const { date, kernel, processor, cores, isEmulated, runtime, revision, user } = machine
  const on = `${kernel} on ${processor}${isEmulated ? ' (emulated)' : ''}, ${cores} cores; ${runtime} as ${user === 'root' ? 'root' : 'an ordinary user'}`
  const of = `revision ${revision}, ${date.slice(0, 10)}${isQuick ? '; a quick run, of few samples' : ''}`
  const parts = [`${on}; ${of}.`, claims(ratios), ...cases.map(section), ...cases.flatMap(({ waterfall }) => waterfall ?? []).length > 0 ? [steps(cases)] : []]
  return parts.join('\n\n')
}

function claims(ratios) {
  const rows = ratios.map(({ name, value, low, high, bar, bound, holds, notMeasured }) => [
    `\`${name}\``,
    value === null ? `not measured: ${notMeasured}` : number(value),
    value === null ? '' : `${number(low)} to ${number(high)}`,
    `${bound.replace('<=', 'at most').replace('>=', 'at least').replace('<', 'below')} ${number(bar)}`,
    holds ? 'yes' : 'no',
  ])
  return table(['ratio', 'value', '95 % interval', 'bar', 'holds'], rows)
}

function section({ name, title, subjects = [], notMeasured, failed, missing = {}, note }) {
  const heading = `#### ${name}\n\n${title}${note === undefined ? '' : ` (${note})`}`
  const problem = notMeasured ?? failed
  if (problem !== undefined) return `${heading}: not measured: ${problem}.`
  const rows = subjects.map(({ name: subject, unit, samples }) => [
    `\`${subject}\``,
    String(samples.length),
    ...[0.5, 0.9, 0.99].map((share) => number(quantile(samples, share))),
    unit,
  ])
  const lacks = Object.entries(missing).map(([subject, reason]) => [`\`${subject}\``, '', 'not measured', reason, '', ''])
  return `${heading}.\n\n${table(['', 'samples', 'p50', 'p90', 'p99', ''], [...rows, ...lacks])}`
}

function steps(cases) {
  const parts = cases.find(({ waterfall }) => waterfall !== undefined).waterfall
  const total = parts.reduce((sum, { ms }) => sum + ms, 0)
  const row = (label, ms) => [label, number(ms * 1000), `${((100 * ms) / total).toFixed(1)} %`]
  const rows = mergedSteps(parts).map(({ label, ms }) => row(label, ms))
  return `#### The steps of a session\n\n${table(['step', 'µs', 'share'], [...rows, row('**together**', total)])}`
}

function table(head, rows) {
  const line = (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n')
}
