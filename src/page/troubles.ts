import type { RunRecord } from '../recording/run-record.ts'
import { html, nothing, type Markup } from './html.ts'
import { code } from './table.ts'

/** What somebody should know of before all else; nothing where there is nothing. */
export function troubles({ errors, leftInOutputs, kept, plan: { warnings, leftOut } }: RunRecord): Markup {
  const items = [
    ...errors.map(({ code: name, message }) => html`<li><strong class="bad">Error</strong> ${name === undefined ? undefined : html`${code(name)} `}${message}</li>\n`),
    ...(kept === undefined ? [] : [html`<li><strong>Kept</strong> a copy of what the failed command left is in ${code(kept)}</li>\n`]),
    ...leftInOutputs.map(({ path, what }) => html`<li><strong>Left in an output</strong> ${code(path)}: ${what}</li>\n`),
    ...warnings.map(({ entry, problem }) => html`<li><strong>Warning</strong> ${code(entry)}: ${problem}</li>\n`),
    ...leftOut.map(({ entry, path }) => html`<li><strong>Left out</strong> ${code(path)} of ${code(entry)}, as it is not there</li>\n`),
  ]
  return items.length === 0 ? nothing : html`<section><h2 id="troubles">To be noted</h2><ul>${items}</ul></section>`
}
