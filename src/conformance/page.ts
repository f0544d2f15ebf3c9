import { documentOf, sums, verdict as verdictMark, type Section } from '../page/document.ts'
import { html, nothing } from '../page/html.ts'
import { code, table, type Row } from '../page/table.ts'
import { duration } from '../page/units.ts'
import { countOf, type Outcome, type Report } from './report.ts'
import { seenText, verdictWords } from './words.ts'

const columns = [{ name: 'Case' }, { name: 'Expected', style: 'code' }, { name: 'Seen', style: 'code' }, { name: 'Verdict' }, { name: 'Where it says so' }] as const

/**
 * A page of a report, for a browser. The same report gives the same page.
 * @param madeBy version of buildjail
 */
export function pageOfReport(report: Report, madeBy: string): string {
  const { kernel, startedAt, groups } = report
  const { conforms, listed, deviates, skipped } = countOf(report)
  const outcomes = groups.flatMap((group) => group.outcomes)
  const words = deviates === 0 ? 'does what is documented, but for what is listed' : `${deviates} ${deviates === 1 ? 'case deviates' : 'cases deviate'} and ${deviates === 1 ? 'is' : 'are'} not listed`
  return documentOf({
    title: `Conformance of ${kernel.release}`,
    heading: `FreeBSD ${kernel.release}: jails and mounts as documented?`,
    intro: [
      verdictMark(words, deviates === 0),
      html`<time datetime="${startedAt}">${startedAt.slice(0, 10)} ${startedAt.slice(11, 19)} UTC</time>, kern.osreldate ${kernel.osreldate}`,
    ],
    opening: [
      sums([
        ['Conform', String(conforms)],
        ['Known deviations', String(listed)],
        ['Deviate', String(deviates)],
        ['Not looked at', String(skipped)],
        ['Took', duration(outcomes.reduce((sum, { durationMs }) => sum + durationMs, 0))],
      ]),
    ],
    sections: [
      ...deviationsSection('deviates', 'Deviations that are not listed', outcomes.filter(({ verdict }) => verdict === 'deviates')),
      ...deviationsSection('listed', 'Known deviations', outcomes.filter(({ verdict }) => verdict === 'listed')),
      ...groups.map(({ name, title, outcomes: own }) => ({ name, heading: title, content: table(title, columns, own.map(rowOf)) })),
    ],
    madeBy,
  })
}

function deviationsSection(name: string, heading: string, outcomes: readonly Outcome[]): Section[] {
  if (outcomes.length === 0) return []
  const content = html`${outcomes.map(
    ({ id, title, expected, seen, because, cites, becauseCites = [] }) => html`<article><h3>${title}</h3>
<dl><div><dt>Case</dt><dd>${code(id)}</dd></div>
<div><dt>Documented</dt><dd>${code(seenText(expected))}, in ${cites.join('; ')}</dd></div>
<div><dt>Seen</dt><dd>${code(seenText(seen))}${becauseCites.length === 0 ? nothing : html`, by ${becauseCites.join('; ')}`}</dd></div>
${because === undefined ? nothing : html`<div><dt>Because</dt><dd>${because}</dd></div>`}</dl></article>\n`,
  )}`
  return [{ name, heading, content }]
}

function rowOf({ id, title, expected, seen, verdict, because, cites }: Outcome): Row {
  return [
    html`<span class="case">${title}<br>${code(id)}</span>`,
    seenText(expected),
    seenText(seen),
    html`${verdictWords[verdict]}${verdict === 'skipped' && because !== undefined ? html`: ${because}` : nothing}`,
    cites.join('; '),
  ]
}
