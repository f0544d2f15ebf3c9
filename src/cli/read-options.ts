import { parseArgs } from 'node:util'

import { invalid } from '../spec/check.ts'
import { readable } from '../spec/readable.ts'
import { optionsOf, type Verb } from './options.ts'

/** The texts that each option was given, in order, by the option's name. An option without a value has an empty list. */
export type GivenOptions = ReadonlyMap<string, readonly string[]>

/** @throws SpecError naming the option or the word that the verb does not know. */
export function readOptions(verb: Verb, words: readonly string[]): GivenOptions {
  const known = new Map(optionsOf[verb].map(({ name, value }) => [name, value !== undefined]))
  known.set('help', false)
  const given = new Map<string, string[]>()
  for (const token of tokensOf(words, known)) {
    if (token.kind === 'positional') throw unknown(token.value, verb)
    if (token.kind !== 'option') continue
    const { name, rawName, value } = token
    const takesValue = known.get(name)
    if (takesValue === undefined) throw unknown(rawName, verb)
    if (!takesValue && value !== undefined) throw invalid(rawName, 'takes no value')
    if (takesValue && value === undefined) throw invalid(rawName, 'needs a value')
    // Either the value was forgotten, as in `--name --json`, or this is the value.
    if (value !== undefined && /^-./.test(value) && !token.inlineValue) {
      throw invalid(rawName, `needs a value, and ${value} may be an option; as a value it is written ${rawName}=${value}`)
    }
    given.set(name, [...(given.get(name) ?? []), ...(value === undefined ? [] : [value])])
  }
  return given
}

/** @throws SpecError when it was given twice. */
export function single(given: GivenOptions, name: string): string | undefined {
  const [text, ...more] = given.get(name) ?? []
  if (more.length > 0) throw givenTwice(name)
  return text
}

export function givenTwice(name: string): Error {
  return invalid(`--${name}`, 'is given twice')
}

// Not strict: parseArgs takes several sentences for an unknown option.
function tokensOf(words: readonly string[], known: ReadonlyMap<string, boolean>): ReturnType<typeof tokens> {
  const options = [...known].map(([name, takesValue]) => [name, { type: takesValue ? 'string' : 'boolean', multiple: true }] as const)
  return tokens([...words], { ...Object.fromEntries(options), help: { type: 'boolean', short: 'h', multiple: true } })
}

function tokens(args: string[], options: Record<string, { type: 'string' | 'boolean'; short?: string; multiple: true }>) {
  return parseArgs({ args, options, strict: false, allowPositionals: true, tokens: true }).tokens
}

function unknown(word: string, verb: Verb): Error {
  const hint = verb === 'run' || verb === 'plan' ? '; a command comes after --' : ''
  return invalid(readable(word), `is not an option of buildjail ${verb}${word.startsWith('-') ? '' : hint}`)
}
