import { createHash } from 'node:crypto'

import { html, Markup } from './html.ts'
import { style } from './style.ts'

/** A part of a page, with a heading that the list of parts leads to. */
export interface Section {
  /** Of its address in the page. */
  readonly name: string
  readonly heading: string
  readonly content: Markup
}

export interface Document {
  /** Of the window. */
  readonly title: string
  readonly heading: Markup | string
  /** Below the heading, each a paragraph. */
  readonly intro: readonly Markup[]
  /** Before the first part. */
  readonly opening: readonly Markup[]
  readonly sections: readonly Section[]
  /** Version of buildjail. */
  readonly madeBy: string
}

// A second line of defence: were a text of a build ever to become markup, a browser would still load and run nothing.
const policy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; base-uri 'none'; form-action 'none'`

/** One file with everything in it: no script, and nothing that is loaded from elsewhere. */
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

/** The figures that people ask for first. */
export function sums(figures: readonly (readonly [name: string, figure: string])[]): Markup {
  return html`<dl class="sums">${figures.map(([name, text]) => html`<div><dt>${name}</dt><dd>${text}</dd></div>`)}</dl>`
}

/** In words; the mark says the same as the colour. */
export function verdict(words: string, isGood: boolean): Markup {
  return html`<span class="verdict ${isGood ? 'good' : 'bad'}">${isGood ? '✓' : '✗'} ${words}</span>`
}
