import { SpecError } from '../errors.ts'
import { invalid } from '../spec/check.ts'
import type { Shortcut } from '../spec/field.ts'
import { fieldNames, fields, type Spec } from '../spec/fields.ts'
import { orNearest, readable } from '../spec/messages.ts'
import { helpOption, type Option, optionsOf, type Verb } from './options.ts'

/** The values of each given option, in order, by the option's name. An option that takes no value has an empty list. */
export type GivenOptions = ReadonlyMap<string, readonly string[]>

/** An option as it was written. */
interface Word {
  /** With its hyphens. */
  readonly written: string
  readonly option: Option | undefined
  readonly value: string | undefined
  readonly isInline: boolean
}

/** The words after a verb. */
interface Words {
  readonly options: readonly Word[]
  /** The words after the first `--`, or from the first word that is neither an option nor its value. */
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
    if (takesValue && value === undefined && option.isValueOptional !== true) throw invalid(written, 'needs a value')
    // In `--name --json` the value was probably forgotten.
    if (value !== undefined && /^-./.test(value) && !isInline) {
      throw invalid(written, `needs a value, and ${value} looks like an option; if it is the value, write --${option.name}=${value}`)
    }
    given.set(option.name, [...(given.get(option.name) ?? []), ...(value === undefined ? [] : [value])])
  }
  return { given, command }
}

function meant(written: string, verb: Verb): string {
  return orNearest(written.replace(/^--/, ''), optionsOf[verb].map(({ name }) => name), (name) => `--${name}`)
}

/** Whether an option was given, even if the others cannot be read. */
export function isAsked(verb: Verb, words: readonly string[], name: string): boolean {
  return split(verb, words).options.some(({ option }) => option?.name === name)
}

/** @throws SpecError if it was given twice */
export function single(given: GivenOptions, name: string): string | undefined {
  const [text, ...more] = given.get(name) ?? []
  if (more.length > 0) throw givenTwice(name)
  return text
}

function givenTwice(name: string): Error {
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
    const isInline = inline !== undefined || option?.value === undefined || option.isValueOptional === true || next === undefined || next === '--'
    options.push({ written, option, value: isInline ? inline : next, isInline })
    if (!isInline) index += 1
  }
  return { options, command: [] }
}

/** @throws SpecError naming the option. */
export function specFrom(given: GivenOptions): Spec {
  const spec: Record<string, unknown> = {}
  for (const name of fieldNames) {
    const { flag } = fields[name]
    const shortcuts = flag.shortcuts ?? []
    const ofShortcuts = shortcuts.flatMap((shortcut) => (given.get(shortcut.name) ?? []).map(shortcut.textOf))
    const own = flag.value === undefined && given.has(flag.name) ? [''] : (given.get(flag.name) ?? [])
    const [first, ...more] = [...own, ...ofShortcuts]
    if (first === undefined) continue
    if (more.length > 0 && !flag.isRepeatable) throw givenTwice(flag.name)
    try {
      spec[name] = flag.read([first, ...more], `--${flag.name}`)
    } catch (error) {
      throw asTyped(error, `--${flag.name}`, shortcuts, given)
    }
  }
  return spec
}

/** The same error, naming the shortcut that was typed in place of its option. */
function asTyped(error: unknown, option: string, shortcuts: readonly Shortcut[], given: GivenOptions): unknown {
  if (!(error instanceof SpecError) || error.code !== 'ERR_BUILDJAIL_INVALID_SPEC') return error
  const { entry } = error
  for (const { name, textOf } of shortcuts) {
    const value = (given.get(name) ?? []).find((one) => entry === `${option} ${readable(textOf(one))}`)
    if (value !== undefined) return new SpecError('ERR_BUILDJAIL_INVALID_SPEC', `--${name} ${readable(value)}`, error.message.slice(entry.length + 2))
  }
  return error
}
