import type { Spec } from './fields.ts'

/**
 * A name that a caller, a build or another user of the host chose, as a word of its own: characters that could break a line, pass for
 * another column or steer a terminal are escaped.
 */
export function readable(text: string): string {
  if (text !== '' && !/[\s\p{C}"\\]/u.test(text)) return text
  return `"${inOneLine(text.replace(/["\\]/g, (character) => `\\${character}`))}"`
}

/** A text of ours that quotes such names: it stays one line, and steers no terminal. One that was given to it before stays as it is. */
export function inOneLine(text: string): string {
  // defence: name-build-chose-steers
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)
}

/** The one of some names that somebody may have meant by another word: it differs by a letter or two. Undefined where none does. */
export function nearest(word: string, names: readonly string[]): string | undefined {
  const most = word.length < 5 ? 1 : 2
  const close = names.map((name) => ({ name, distance: distanceOf(word.toLowerCase(), name.toLowerCase(), most) })).filter(({ distance }) => distance <= most)
  return close.toSorted((a, b) => a.distance - b.distance)[0]?.name
}

/** `; did you mean inputs?`, for the end of a refusal. Empty where no name is near. */
export function orNearest(word: string, names: readonly string[], written: (name: string) => string = (name) => name): string {
  const name = nearest(word, names)
  return name === undefined ? '' : `; did you mean ${written(name)}?`
}

/** How many letters are to be put in, taken out or changed (Levenshtein); a number beyond `most` where it is more than that. */
function distanceOf(from: string, to: string, most: number): number {
  if (Math.abs(from.length - to.length) > most) return most + 1
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (const [at, letter] of [...from].entries()) {
    const next = [at + 1]
    for (const [index, other] of [...to].entries()) {
      next.push(Math.min((row[index] ?? 0) + (letter === other ? 0 : 1), (row[index + 1] ?? 0) + 1, (next[index] ?? 0) + 1))
    }
    row = next
  }
  return row[to.length] ?? 0
}

const asked = new WeakMap<object, readonly Spec[]>()

/** The same error, of which `askedBy` knows what it asks for, any of: fields of a spec, whose text is in its message by `specText`. */
export function asking<T>(error: T, ...specs: readonly Spec[]): T {
  if (typeof error === 'object' && error !== null) asked.set(error, specs)
  return error
}

/** What an error asks to be put into the spec, for what has a spec in other words, as the command line. */
export function askedBy(error: unknown): readonly Spec[] {
  return (typeof error === 'object' && error !== null ? asked.get(error) : undefined) ?? []
}

/** As JavaScript has it, for a message: `toolchain: ['host', '/opt/x'], path: ['/opt/x/bin']`. */
export function specText(spec: Spec): string {
  return Object.entries(spec)
    .map(([name, value]) => `${name}: ${valueText(value)}`)
    .join(', ')
}

function valueText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(valueText).join(', ')}]`
  if (typeof value === 'object' && value !== null) return `{ ${Object.entries(value).map(([name, one]) => `${keyText(name)}: ${valueText(one)}`).join(', ')} }`
  return typeof value === 'string' ? `'${value}'` : JSON.stringify(value)
}

function keyText(name: string): string {
  return /^[\w$]+$/.test(name) ? name : `'${name}'`
}
