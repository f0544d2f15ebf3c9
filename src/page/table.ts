import { html, nothing, type Markup } from './html.ts'

export interface Column {
  readonly name: string
  /** For people who see. */
  readonly style?: 'number' | 'code' | 'wide'
  /** What is in it is clear to those who see it. */
  readonly isUnnamed?: boolean
}

export type Row = readonly [head: Markup | string, ...cells: readonly (Markup | string)[]]

/**
 * A table that can be scrolled by keyboard where it does not fit. The first cell of a row names it.
 * @param caption what it is of, for people who do not see where it stands
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

/** Names and what they are, side by side. */
export function facts(pairs: readonly (readonly [name: string, what: Markup | string])[]): Markup {
  return html`<dl>${pairs.map(([name, what]) => html`<div><dt>${name}</dt><dd>${what}</dd></div>\n`)}</dl>`
}

export function code(text: string): Markup {
  return html`<code>${text}</code>`
}
