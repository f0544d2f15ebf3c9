import { visible } from './visible.ts'

/** Markup. Only the template below makes it, so that text of a build never becomes any. */
export class Markup {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

type Value = Markup | string | number | undefined | readonly Value[]

/** A template whose texts are escaped, for elements and quoted attributes alike. Lists are put side by side. */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Markup {
  return new Markup(strings.reduce((before, string, index) => before + markupOf(values[index - 1]) + string))
}

export const nothing: Markup = new Markup('')

function markupOf(value: Value): string {
  if (value instanceof Markup) return value.text
  if (value === undefined) return ''
  if (typeof value === 'object') return value.map(markupOf).join('')
  return escaped(String(value))
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  // defence: text-build-no-markup
  '<': '&lt;',
  '>': '&gt;',
  // defence: text-build-leaves-no
  '"': '&quot;',
  "'": '&#39;',
}

function escaped(text: string): string {
  return visible(text).replace(/[&<>"']/g, (character) => entities[character] ?? '')
}
