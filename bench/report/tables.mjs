// What is said of a run.
import { actMarkdown, judged } from './calls.mjs'
import { interval, number, table } from './table.mjs'

/** One case: a line a subject. @param {ReturnType<typeof import('./results.mjs').summaryOf>} one */
export function caseMarkdown({ name, title, subjects, notMeasured, failed, missing = {}, note }) {
  const heading = `## ${name}\n\n${title}${note === undefined ? '' : ` (${note})`}`
  if (failed !== undefined) return `${heading}: FAILED: ${failed}`
  if (notMeasured !== undefined) return `${heading}: not measured: ${notMeasured}.`
  const rows = subjects.map(({ name: subject, unit, n, p50, p90, p99 }) => [
    `\`${subject}\``, n, ...[p50, p90, p99].flatMap((told) => [number(told.value), interval(told)]), unit,
  ])
  const lacks = Object.entries(missing).map(([subject, reason]) => [`\`${subject}\``, 0, 'not measured', reason, '', '', '', '', ''])
  return `${heading}.\n\n${table(['', 'samples', 'p50', '', 'p90', '', 'p99', '', ''], [...rows, ...lacks])}`
}

const words = { '<=': 'at most', '>=': 'at least', '<': 'below' }

/**
 * The claims and whether they hold.
 * @param {{ ratios: any[], calls?: ReturnType<typeof import('./calls.mjs').actOf>[] }} results
 */
export function claimsMarkdown({ ratios, calls = [] }) {
  const rows = ratios.map(({ name, value, low, high, bar, bound, verdict, notMeasured }) => [
    `\`${name}\``,
    value === null ? '' : number(value),
    value === null ? '' : interval({ low, high }),
    verdict === 'not judged' ? '' : `${words[bound]} ${number(bar)}`,
    notMeasured === undefined ? verdict : `${verdict}: ${notMeasured}`,
  ])
  const counted = calls.map((act) => {
    const { buildjail, floor, ratio, bar, verdict } = judged(act)
    return [`calls of a ${act.name}`, number(ratio), `${buildjail} of ${floor}`, `at most ${number(bar)}`, verdict]
  })
  return table(['ratio', 'value', '95 % interval', 'bar', ''], [...counted, ...rows])
}

/** The claims, and what they were measured on. */
function systemMarkdown(results) {
  const { date, kernel, processor, cores, isEmulated, runtime, revision, user } = results.machine
  const on = `${kernel} on ${processor}${isEmulated ? ' (emulated)' : ''}, ${cores} cores; ${runtime} as ${user}`
  const quick = results.isQuick ? '; a quick run, of few samples' : ''
  return `${on}; revision ${revision}, ${date.slice(0, 10)}${quick}.\n\n${claimsMarkdown(results)}`
}

/** All tables of a run, as a page. */
export function pageMarkdown(results) {
  const title = `# ${results.machine.system === 'freebsd' ? 'FreeBSD' : 'Linux'}, measured`
  const sections = [...(results.calls ?? []).map(actMarkdown), ...results.cases.map(caseMarkdown)]
  return `${[title, 'Made by `npm run bench:docs` of the JSON file beside it.', systemMarkdown(results), ...sections].join('\n\n')}\n`
}

const mark = /(<!-- figures: (\w+) -->\n)[\s\S]*?(<!-- end of figures -->)/g

/**
 * A document with its figures, which nobody types: the claims of a system stand between two marks.
 * @param {string} text
 * @param {(name: string) => object} resultsOf the results of a run by the system's name
 */
export function withFigures(text, resultsOf) {
  return text.replaceAll(mark, (_, begin, name, end) => `${begin}${systemMarkdown(resultsOf(name))}\n${end}`)
}
