import { invalid } from '../spec/check.ts'
import { orNearest } from '../spec/nearest.ts'
import { readable } from '../spec/readable.ts'
import { helpOption, optionsOf, type Option, type Verb } from './options.ts'

/** The texts that each option was given, in order, by the option's name. An option without a value has an empty list. */
export type GivenOptions = ReadonlyMap<string, readonly string[]>

/** An option as it was written. */
interface Word {
  /** With its hyphens. */
  readonly written: string
  readonly option: Option | undefined
  /** Undefined where there is none. */
  readonly value: string | undefined
  readonly isInline: boolean
}

/** The words of a verb, up to the first that belongs to a command. */
interface Words {
  readonly options: readonly Word[]
  /** Everything after the first `--`, or from the first word on that is neither an option nor the value of one. */
  readonly command: readonly string[]
}

/** @throws SpecError naming the option that the verb does not know, or whose value is missing. */
export function readOptions(verb: Verb, words: readonly string[]): { readonly given: GivenOptions; readonly command: readonly string[] } {
  const { options, command } = split(verb, words)
  const given = new Map<string, string[]>()
  for (const { written, option, value, isInline } of options) {
    if (option === undefined) throw invalid(readable(written), `is not an option of buildjail ${verb}${meant(written, verb)}`)
    const takesValue = option.value !== undefined
    if (!takesValue && value !== undefined) throw invalid(written, 'takes no value')
    if (takesValue && value === undefined) throw invalid(written, 'needs a value')
    // Either the value was forgotten, as in `--name --json`, or this is the value.
    if (value !== undefined && /^-./.test(value) && !isInline) {
      throw invalid(written, `needs a value, and ${value} may be an option; as a value it is written --${option.name}=${value}`)
    }
    given.set(option.name, [...(given.get(option.name) ?? []), ...(value === undefined ? [] : [value])])
  }
  return { given, command }
}

function meant(written: string, verb: Verb): string {
  return orNearest(written.replace(/^--/, ''), optionsOf[verb].map(({ name }) => name), (name) => `--${name}`)
}

/** Whether an option is among those of a verb, whether or not the rest of them can be read. */
export function isAsked(verb: Verb, words: readonly string[], name: string): boolean {
  return split(verb, words).options.some(({ option }) => option?.name === name)
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

function split(verb: Verb, words: readonly string[]): Words {
  const known = [...optionsOf[verb], helpOption]
  const options: Word[] = []
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] as string
    if (word === '--') return { options, command: words.slice(index + 1) }
    if (!/^-./s.test(word)) return { options, command: words.slice(index) }
    const [, written = word, inline] = /^(--[^=]+)=(.*)$/s.exec(word) ?? []
    const option = known.find(({ name, short }) => written === `--${name}` || (short !== undefined && written === `-${short}`))
    const next = words[index + 1]
    const isInline = inline !== undefined || option?.value === undefined || next === undefined || next === '--'
    options.push({ written, option, value: isInline ? inline : next, isInline })
    if (!isInline) index += 1
  }
  return { options, command: [] }
}
