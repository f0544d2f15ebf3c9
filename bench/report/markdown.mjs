// Results as Markdown: what is claimed for docs/performance.md, and everything for bench/results.
import { callsVerdict } from '../calls/table.mjs'
import { number } from './text.mjs'

/** The one table of a system. */
export function claimsMarkdown(results) {
  const { ratios, calls } = results
  const rows = ratios.map(({ name, value, low, high, bar, bound, verdict, notMeasured }) => [
    `\`${name}\``,
    value === null ? `not measured: ${notMeasured}` : number(value),
    value === null ? '' : `${number(low)} to ${number(high)}`,
    verdict === 'not judged' ? '' : `${bound.replace('<=', 'at most').replace('>=', 'at least').replace('<', 'below')} ${number(bar)}`,
    verdict,
  ])
  const counted = (calls?.acts ?? []).map((act) => {
    const { buildjail, floor, ratio, bar, verdict } = callsVerdict(act, calls)
    return [`calls of a ${act.name}`, number(ratio), `${buildjail} of ${floor}`, calls.isJudged ? `at most ${number(bar)}` : '', verdict]
  })
  return `${madeOn(results)}\n\n${table(['ratio', 'value', '95 % interval', 'bar', ''], [...counted, ...rows])}`
}

/** All tables of a run, as a page. */
export function resultsMarkdown(results) {
  const { machine, cases, calls } = results
  const title = `# ${machine.system === 'freebsd' ? 'FreeBSD' : 'Linux'}, measured`
  const parts = [title, 'Made by `npm run bench:docs` from the JSON file beside it.', claimsMarkdown(results), ...cases.map(section)]
  if (calls !== undefined) parts.push(...calls.acts.map((act) => callsSection(act, calls)))
  return `${parts.join('\n\n')}\n`
}

function madeOn({ machine, isQuick }) {
  const { date, kernel, processor, cores, isEmulated, runtime, revision, user } = machine
  const on = `${kernel} on ${processor}${isEmulated ? ' (emulated)' : ''}, ${cores} cores; ${runtime} as ${user}`
  return `${on}; revision ${revision}, ${date.slice(0, 10)}${isQuick ? '; a quick run, of few samples' : ''}.`
}

function section({ name, title, subjects, notMeasured, failed, missing = {}, note }) {
  const heading = `## ${name}\n\n${title}${note === undefined ? '' : ` (${note})`}`
  const problem = notMeasured ?? failed
  if (problem !== undefined) return `${heading}: not measured: ${problem}.`
  const rows = subjects.map(({ name: subject, unit, n, p50, p90, p99 }) => [
    `\`${subject}\``,
    String(n),
    ...[p50, p90, p99].flatMap(({ value, low, high }) => [number(value), `${number(low)} to ${number(high)}`]),
    unit,
  ])
  const lacks = Object.entries(missing).map(([subject, reason]) => [`\`${subject}\``, '0', 'not measured', reason, '', '', '', '', ''])
  return `${heading}.\n\n${table(['', 'samples', 'p50', '', 'p90', '', 'p99', '', ''], [...rows, ...lacks])}`
}

function callsSection(act, calls) {
  const { buildjail, floor } = callsVerdict(act, calls)
  const rows = act.calls.map(({ name, buildjail: own, floor: least }) => [`\`${name}\``, String(own), String(least)])
  return `## System calls of a ${act.name}\n\n${table(['', 'buildjail', 'floor'], [...rows, ['**together**', String(buildjail), String(floor)]])}`
}

function table(head, rows) {
  const line = (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n')
}
