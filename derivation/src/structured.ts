// The structured attributes of a derivation (`__structuredAttrs`): JSON in its variable `__json`, which its builder gets as a file, and as a script for bash.
import { DerivationError } from './errors.ts'
import { byBytes } from './order.ts'

export type Json = string | boolean | null | NumberText | readonly Json[] | JsonObject
export interface JsonObject {
  readonly [key: string]: Json
}

/** A number as it was written: a builder gets `1.0` and what is larger than a double of JavaScript holds as they are. */
export class NumberText {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof NumberText)

/** @throws DerivationError if it is no JSON object */
export function readStructured(text: string): JsonObject {
  try {
    const value = JSON.parse(marked(text), (_key, one: Json) => (typeof one === 'string' && one.startsWith('\0') ? numberText(one.slice(1)) : one)) as Json
    if (isObject(value)) return value
  } catch (error) {
    throw new DerivationError(`its __json cannot be read: ${(error as Error).message}`, { cause: error })
  }
  throw new DerivationError('its __json is no object')
}

/** No string of a derivation holds a NUL: with one before it, a string stands for a number here. */
function marked(text: string): string {
  let isInString = false
  // No part is repeated but single characters: a pattern of a whole string would need memory for each of its characters.
  return text.replaceAll(/\\u0000|\\[^]|"|-?\d[\d.eE+-]*/g, (token) => {
    if (token === String.raw`\u0000`) throw new DerivationError('a string of its __json holds a NUL character')
    if (token === '"') isInString = !isInString
    return isInString || /^["\\]/.test(token) ? token : `"\\u0000${token}"`
  })
}

function numberText(text: string): NumberText {
  JSON.parse(text)
  return new NumberText(text)
}

/** As Nix writes it: keys in order, and no white space. */
export function writeJson(value: Json): string {
  if (value instanceof NumberText) return value.text
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map(writeJson).join(',')}]`
  if (!isObject(value)) return JSON.stringify(value)
  return `{${sortedEntries(value).map(([key, one]) => `${JSON.stringify(key)}:${writeJson(one)}`).join(',')}}`
}

const sortedEntries = (object: JsonObject): (readonly [string, Json])[] => Object.entries(object).sort(([one], [other]) => byBytes(one, other))

/** What bash can have of the attributes: strings, whole numbers, booleans, null, and lists and objects of these. */
export function shellScript(attributes: JsonObject): string {
  return sortedEntries(attributes).map(([key, value]) => (/^[A-Za-z_]\w*$/.test(key) ? declaration(key, value) : '')).join('')
}

function declaration(key: string, value: Json): string {
  const word = wordOf(value)
  if (word !== undefined) return `declare ${key}=${word}\n`
  if (Array.isArray(value)) return arrayOf('-a', key, (value as readonly Json[]).map(wordOf))
  if (isObject(value)) return arrayOf('-A', key, sortedEntries(value).map(([name, one]) => prefixed(`[${quoted(name)}]=`, wordOf(one))))
  return ''
}

const prefixed = (prefix: string, word: string | undefined): string | undefined => (word === undefined ? undefined : prefix + word)

function arrayOf(option: string, key: string, words: readonly (string | undefined)[]): string {
  return words.includes(undefined) ? '' : `declare ${option} ${key}=(${words.map((word) => `${word} `).join('')})\n`
}

function wordOf(value: Json): string | undefined {
  if (typeof value === 'string') return quoted(value)
  if (value === null) return "''"
  if (typeof value === 'boolean') return value ? '1' : ''
  return value instanceof NumberText ? wholeNumber(value.text) : undefined
}

/** Nix asks a float whether it is whole, and writes an int. */
function wholeNumber(text: string): string | undefined {
  if (/^-?\d+$/.test(text)) return String(BigInt.asIntN(32, BigInt(text)))
  const number = Number(text)
  const float = Math.fround(number)
  // One that is too large for it is infinite, and whole.
  if (Math.trunc(float) !== float) return undefined
  return String(Math.abs(number) < 2 ** 31 ? Math.trunc(number) : -(2 ** 31))
}

const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`
