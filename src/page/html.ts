import { stripVTControlCharacters } from 'node:util'

/** Markup. Only the template below makes it, so a build's text never becomes markup. */
export class Markup {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

type Value = Markup | string | number | undefined | readonly Value[]

/** A template that escapes its values, for elements and for quoted attributes. Lists are joined. */
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

// Controls except tab and newline, lone surrogates, line separators, and characters that turn the direction of writing or have no width.
// defence: turns-direction-writing-shown
const steering = /(?![\t\n])[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}\u{200b}\u{2060}-\u{2064}\u{feff}\u{e0000}-\u{e007f}]/gu

/** Replaces invisible characters, and those that change the order in which text is shown, by their numbers. */
export function visible(text: string): string {
  return text.replace(steering, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)
}

/** The text that a terminal would show, without colours: of a line that was overwritten, the last version. */
export function asShown(text: string): string {
  return stripVTControlCharacters(text)
    .replaceAll(/\r+\n/g, '\n')
    .replaceAll(/[^\n]*\r(?=[^\n])/g, '')
    .replaceAll('\r', '')
}
