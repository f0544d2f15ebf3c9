/** Markup. Only the template `html` makes it, so that no text becomes markup. */
export class Markup {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

type Value = Markup | string | number | undefined | readonly Value[]

/** A template that escapes its texts, for elements and for quoted attributes. A list is joined without a separator. */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Markup {
  return new Markup(strings.reduce((before, string, index) => before + markupOf(values[index - 1]) + string))
}

function markupOf(value: Value): string {
  if (value instanceof Markup) return value.text
  if (value === undefined) return ''
  return typeof value === 'object' ? value.map(markupOf).join('') : escaped(String(value))
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** Controls, and what has no width or turns the direction of writing, are shown by their number. */
function escaped(text: string): string {
  return text
    .replace(/(?![\t\n])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)
    .replace(/[&<>"']/g, (character) => entities[character] ?? '')
}

/** For the page of a report. No verdict is told by colour alone. */
export const style = `
:root { color-scheme: light dark; --paper: #fdfdfc; --raised: #f5f5f2; --ink: #1b2126; --soft: #525c66; --line: #d9dcd8; --link: #0a5d8f; --good: #14663a; --bad: #a3162a; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #12161a; --raised: #1a2026; --ink: #e4e8eb; --soft: #a5b0ba; --line: #313a43; --link: #76c0ee; --good: #74d69c; --bad: #ff9a9a; }
}
* { box-sizing: border-box; }
html { background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 76rem; padding: 1.5rem 1.25rem 4rem; }
code, td.code { font-family: ui-monospace, Menlo, Consolas, monospace; font-size: .8125rem; overflow-wrap: anywhere; }
td.code { min-width: 8rem; }
a { color: var(--link); }
a:focus-visible, .scroll:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.skip { position: absolute; left: -100rem; }
.skip:focus { left: 1rem; top: .5rem; background: var(--paper); padding: .5rem; }
h1 { font-size: 1.25rem; } h2 { font-size: 1.1875rem; margin-top: 2.5rem; } h3 { font-size: .9375rem; margin: 1.25rem 0 .5rem; }
header p, footer { color: var(--soft); }
.verdict { display: inline-block; border: 2px solid currentColor; border-radius: .375rem; padding: .125rem .625rem; font-weight: 600; }
.good { color: var(--good); } .bad { color: var(--bad); }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; list-style: none; padding: 0; }
dl div { display: grid; grid-template-columns: 12rem 1fr; gap: 0 1rem; padding: .1875rem 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
.scroll { position: relative; overflow-x: auto; border: 1px solid var(--line); border-radius: .5rem; }
table { border-collapse: collapse; width: 100%; font-size: .875rem; }
th, td { text-align: left; vertical-align: top; padding: .25rem .75rem; border-top: 1px solid var(--line); font-weight: 400; }
tbody th { min-width: 14rem; }
thead th { border-top: 0; background: var(--raised); color: var(--soft); }
footer { margin-top: 3rem; border-top: 1px solid var(--line); padding-top: .75rem; font-size: .875rem; }
@media (max-width: 40rem) { dl div { grid-template-columns: 1fr; } }
@media print { .scroll { overflow: visible; } nav, .skip { display: none; } }
`
