import { createHash } from 'node:crypto'

import { html, Markup, nothing } from './html.ts'

/** A part of a page, with a heading that the list of parts links to. */
export interface Section {
  /** The anchor in the page. */
  readonly name: string
  readonly heading: string
  readonly content: Markup
}

export interface Document {
  /** The title of the window. */
  readonly title: string
  readonly heading: Markup | string
  /** Below the heading, each a paragraph. */
  readonly intro: readonly Markup[]
  /** Stands before the first part. */
  readonly opening: readonly Markup[]
  readonly sections: readonly Section[]
  /** Version of buildjail. */
  readonly madeBy: string
}

/** The style sheet of a page. Nothing is shown by colour alone. */
const style: string = `
:root {
  color-scheme: light dark;
  --paper: #fdfdfc; --raised: #f5f5f2; --ink: #1b2126; --soft: #525c66; --line: #d9dcd8;
  --accent: #0a5d8f; --bar: #2f81b7; --track: #e4e8e6; --good: #14663a; --bad: #a3162a; --warm: #7a4a00;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #12161a; --raised: #1a2026; --ink: #e4e8eb; --soft: #a5b0ba; --line: #313a43;
    --accent: #76c0ee; --bar: #4d9fd3; --track: #262e36; --good: #74d69c; --bad: #ff9a9a; --warm: #f0be6a;
  }
}
* { box-sizing: border-box; }
html { background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif; }
body { margin: 0 auto; max-width: 76rem; padding: 1.5rem 1.25rem 4rem; }
code, pre, .code { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .8125rem; }
code { overflow-wrap: anywhere; unicode-bidi: isolate; }
a { color: var(--accent); }
a:focus-visible, summary:focus-visible, .scroll:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.skip { position: absolute; left: -100rem; }
.skip:focus { left: 1rem; top: .5rem; background: var(--paper); padding: .5rem; }
header { border-bottom: 1px solid var(--line); padding-bottom: 1rem; }
header p { margin: .25rem 0; color: var(--soft); }
h1 { font-size: 1.25rem; line-height: 1.4; margin: .5rem 0; font-weight: 600; }
h1 code { font-size: 1.125rem; }
h2 { font-size: 1.1875rem; margin: 2.5rem 0 .5rem; padding-top: .25rem; }
h3 { font-size: .9375rem; margin: 1.25rem 0 .5rem; }
summary { cursor: pointer; margin: 1rem 0 .5rem; }
summary h3 { display: inline; margin: 0; }
.verdict { display: inline-block; border: 2px solid currentColor; border-radius: .375rem; padding: .125rem .625rem; font-weight: 600; }
.good { color: var(--good); } .bad { color: var(--bad); } .plain { font-weight: 400; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; list-style: none; margin: .75rem 0 0; padding: 0; }
.sums { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .75rem; margin: 1.25rem 0 0; }
.sums > div { background: var(--raised); border: 1px solid var(--line); border-radius: .5rem; padding: .5rem .75rem; }
.sums dt { font-size: .8125rem; color: var(--soft); } .sums dd { margin: 0; font-size: 1.125rem; font-weight: 600; font-variant-numeric: tabular-nums; }
dl { margin: .5rem 0; }
dl:not(.sums) > div { display: grid; grid-template-columns: 12rem 1fr; gap: 0 1rem; padding: .1875rem 0; }
dl:not(.sums) dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
.scroll { position: relative; overflow-x: auto; border: 1px solid var(--line); border-radius: .5rem; }
table { border-collapse: collapse; width: 100%; font-size: .875rem; }
th, td { text-align: left; vertical-align: top; padding: .25rem .75rem; border-top: 1px solid var(--line); font-weight: 400; }
thead th, thead th.code { border-top: 0; background: var(--raised); color: var(--soft); font-size: .8125rem; font-family: inherit; white-space: nowrap; }
tbody th { white-space: pre; } .case { display: block; white-space: normal; min-width: 14rem; }
td.code { overflow-wrap: anywhere; min-width: 8rem; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.wide { width: 40%; min-width: 9rem; vertical-align: middle; }
.branch { color: var(--soft); }
.writable { font-weight: 600; color: var(--warm); white-space: nowrap; } .readable { white-space: nowrap; }
.bar { display: block; width: 100%; height: .625rem; }
.bar rect { fill: var(--bar); } .bar .track { fill: var(--track); }
article { margin: 1rem 0 2rem; }
.argv { background: var(--raised); border-left: 3px solid var(--line); margin: .5rem 0; padding: .5rem .75rem; white-space: pre-wrap; overflow-wrap: anywhere; }
.output { max-height: 32rem; overflow: auto; background: var(--raised); padding: .5rem 0; }
.piece { display: grid; grid-template-columns: 4.75rem 3.25rem 1fr; padding: 0 .75rem; }
.piece .at, .piece .from { font-size: .75rem; line-height: 1.25rem; color: var(--soft); user-select: none; font-variant-numeric: tabular-nums; }
.piece pre { margin: 0; line-height: 1.25rem; white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: plaintext; tab-size: 8; }
.stderr { box-shadow: inset 3px 0 0 var(--warm); } .stderr .from { color: var(--warm); }
.gap { margin: .5rem .75rem; color: var(--soft); font-style: italic; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr)); gap: 1rem 2rem; }
figure { margin: 0; } figcaption { font-size: .875rem; color: var(--soft); margin-bottom: .25rem; }
.chart { width: 100%; height: auto; display: block; }
.chart text { font-size: 12px; fill: var(--soft); } .chart .grid { stroke: var(--line); }
.chart .area { fill: var(--bar); opacity: .18; } .chart .line { fill: none; stroke: var(--bar); stroke-width: 2; }
.chart .most { stroke: var(--bad); stroke-width: 1.5; stroke-dasharray: 6 4; }
footer { margin-top: 3rem; border-top: 1px solid var(--line); padding-top: .75rem; color: var(--soft); font-size: .875rem; }
@media (max-width: 40rem) { dl:not(.sums) > div { grid-template-columns: 1fr; } .piece { grid-template-columns: 1fr; } }
@media (forced-colors: active) { .bar rect, .chart .area { fill: CanvasText; } .bar .track { fill: none; stroke: CanvasText; } .chart .line { stroke: CanvasText; } }
@media print { .scroll, .output { overflow: visible; max-height: none; } nav, .skip { display: none; } }
`

// A second line of defence: even if a build's text became markup, the browser would load and run nothing.
const policy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; base-uri 'none'; form-action 'none'`

/** The whole page as one file. It has no script and loads nothing. */
export function documentOf({ title, heading, intro, opening, sections, madeBy }: Document): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${new Markup(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${title} (buildjail)</title>
<style>${new Markup(style)}</style>
</head>
<body>
<a class="skip" href="#main">To the content</a>
<header>
<h1>${heading}</h1>
${intro.map((paragraph) => html`<p>${paragraph}</p>\n`)}<nav aria-label="Parts of this page"><ul>${sections.map(({ name, heading: words }) => html`<li><a href="#${name}">${words}</a></li>`)}</ul></nav>
</header>
<main id="main" tabindex="-1">
${opening.map((part) => html`${part}\n`)}${sections.map(({ name, heading: words, content }) => html`<section>\n<h2 id="${name}">${words}</h2>\n${content}\n</section>\n`)}
</main>
<footer>Made by buildjail ${madeBy}. This file is all there is to it: it loads nothing and runs nothing.</footer>
</body>
</html>
`.text
}

/** The figures that readers look for first. */
export function sums(figures: readonly (readonly [name: string, figure: string])[]): Markup {
  return html`<dl class="sums">${figures.map(([name, text]) => html`<div><dt>${name}</dt><dd>${text}</dd></div>`)}</dl>`
}

/** A verdict in words; the mark says the same as the colour. */
export function verdict(words: string, isGood: boolean): Markup {
  return html`<span class="verdict ${isGood ? 'good' : 'bad'}">${isGood ? '✓' : '✗'} ${words}</span>`
}

export interface Column {
  readonly name: string
  /** The style of the cells. */
  readonly style?: 'number' | 'code' | 'wide'
  /** Hides the heading from sighted readers, who can see the content. */
  readonly isUnnamed?: boolean
}

export type Row = readonly [head: Markup | string, ...cells: readonly (Markup | string)[]]

/**
 * A table that the keyboard can scroll if it does not fit. The first cell of a row names the row.
 * @param caption for readers who do not see where the table stands
 */
export function table(caption: string, columns: readonly Column[], rows: readonly Row[]): Markup {
  const cellOf = (cell: Markup | string, index: number): Markup => {
    const look = classOf(columns[index])
    return index === 0 ? html`<th scope="row"${look}>${cell}</th>` : html`<td${look}>${cell}</td>`
  }
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table>
<caption class="unseen">${caption}</caption>
<thead><tr>${columns.map((column) => html`<th scope="col"${classOf(column)}>${column.isUnnamed === true ? html`<span class="unseen">${column.name}</span>` : column.name}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${row.map(cellOf)}</tr>\n`)}</tbody>
</table></div>`
}

function classOf(column: Column | undefined): Markup {
  return column?.style === undefined ? nothing : html` class="${column.style}"`
}

/** Names and values, side by side. */
export function facts(pairs: readonly (readonly [name: string, what: Markup | string])[]): Markup {
  return html`<dl>${pairs.map(([name, what]) => html`<div><dt>${name}</dt><dd>${what}</dd></div>\n`)}</dl>`
}

export function code(text: string): Markup {
  return html`<code>${text}</code>`
}
