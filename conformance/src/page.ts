import { createHash } from 'node:crypto'

import { html, Markup, style } from './html.ts'
import { countOf, verdictWords, type Outcome, type Report } from './report.ts'
import { seenText } from './seen.ts'

const columns = ['Case', 'Expected', 'Seen', 'Verdict', 'Documented in'] as const
// A second line of defence: if a text ever became markup, a browser would still load and run nothing.
const policy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; base-uri 'none'; form-action 'none'`

interface Section {
  /** The fragment of its address. */
  readonly name: string
  readonly heading: string
  readonly content: Markup
}

/**
 * A page of a report for a browser: one file, without scripts, that loads nothing. The same report gives the same page.
 * @param version of this program
 */
export function pageOfReport(report: Report, version: string): string {
  const { kernel, startedAt, groups } = report
  const { conforms, listed, deviates, skipped } = countOf(report)
  const outcomes = groups.flatMap((group) => group.outcomes)
  const isGood = deviates === 0
  const words = isGood ? '✓ does what is documented, except for the listed deviations' : `✗ ${deviates} ${deviates === 1 ? 'case deviates and is' : 'cases deviate and are'} not listed`
  const seconds = outcomes.reduce((sum, { durationMs }) => sum + durationMs, 0) / 1000
  const sections = [
    ...deviationsSection('deviates', 'Deviations that are not listed', outcomes),
    ...deviationsSection('listed', 'Known deviations', outcomes),
    ...groups.map(({ name, title, outcomes: own }) => ({ name, heading: title, content: tableOf(title, own) })),
  ]
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${new Markup(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>Conformance of ${kernel.release}</title>
<style>${new Markup(style)}</style>
</head>
<body>
<a class="skip" href="#main">To the content</a>
<header>
<h1>FreeBSD ${kernel.release}: jails and mounts as documented?</h1>
<p><span class="verdict ${isGood ? 'good' : 'bad'}">${words}</span></p>
<p><time datetime="${startedAt}">${startedAt.slice(0, 10)} ${startedAt.slice(11, 19)} UTC</time>, kern.osreldate ${kernel.osreldate}</p>
<nav aria-label="Parts of this page"><ul>${sections.map(({ name, heading }) => html`<li><a href="#${name}">${heading}</a></li>`)}</ul></nav>
</header>
<main id="main" tabindex="-1">
<dl>${[
    ['Conform', conforms],
    ['Known deviations', listed],
    ['Deviate', deviates],
    ['Not looked at', skipped],
    ['Took', `${seconds.toFixed(1)} s`],
  ].map(([name, figure]) => html`<div><dt>${name}</dt><dd>${figure}</dd></div>`)}</dl>
${sections.map(({ name, heading, content }) => html`<section>\n<h2 id="${name}">${heading}</h2>\n${content}\n</section>\n`)}
</main>
<footer>Made by buildjail-conformance ${version}. This file loads nothing and runs nothing.</footer>
</body>
</html>
`.text
}

function deviationsSection(verdict: 'deviates' | 'listed', heading: string, all: readonly Outcome[]): Section[] {
  const outcomes = all.filter((one) => one.verdict === verdict)
  if (outcomes.length === 0) return []
  const content = html`${outcomes.map(
    ({ id, title, expected, seen, because, cites, becauseCites = [] }) => html`<article><h3>${title}</h3>
<dl><div><dt>Case</dt><dd>${code(id)}</dd></div>
<div><dt>Documented</dt><dd>${code(seenText(expected))}, in ${cites.join('; ')}</dd></div>
<div><dt>Seen</dt><dd>${code(seenText(seen))}${becauseCites.length === 0 ? undefined : html`, because of ${becauseCites.join('; ')}`}</dd></div>
${because === undefined ? undefined : html`<div><dt>Reason</dt><dd>${because}</dd></div>`}</dl></article>\n`,
  )}`
  return [{ name: verdict, heading, content }]
}

/** A table that can be scrolled with the keyboard if it is too wide. */
function tableOf(caption: string, outcomes: readonly Outcome[]): Markup {
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table>
<caption class="unseen">${caption}</caption>
<thead><tr>${columns.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${outcomes.map(rowOf)}</tbody>
</table></div>`
}

function rowOf({ id, title, expected, seen, verdict, because, cites }: Outcome): Markup {
  const reason = verdict === 'skipped' && because !== undefined ? `: ${because}` : ''
  return html`<tr><th scope="row">${title}<br>${code(id)}</th><td class="code">${seenText(expected)}</td><td class="code">${seenText(seen)}</td><td>${verdictWords[verdict]}${reason}</td><td>${cites.join('; ')}</td></tr>\n`
}

function code(text: string): Markup {
  return html`<code>${text}</code>`
}
