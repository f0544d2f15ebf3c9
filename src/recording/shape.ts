import { invalid } from '../spec/check.ts'
import type { JsonSchema } from '../spec/field.ts'
import { readable } from '../spec/messages.ts'

/*
 * A record is JSON of any later version, so members that are not known are left out and a text may hold a NUL. src/spec/check.ts refuses both,
 * and reads objects of the caller, whose getters and proxies JSON lacks.
 */

/**
 * Checks a value out of JSON, and gives a copy that has the members of its shape and no others. `at` is where it was found.
 * @throws SpecError naming the member
 */
export interface Shape<Value> {
  (given: unknown, at: string): Value
  /** The same as a JSON Schema, which allows members of later versions. */
  readonly schema: JsonSchema
  /** The member may be absent. */
  readonly isOptional?: boolean
}

/** Of the members of a type, each its shape. One that may be absent is `optional`. */
type Members<Value> = { readonly [Name in keyof Value]-?: Shape<Value[Name] | undefined> }

export function shape<Value>(schema: JsonSchema, read: (given: unknown, at: string) => Value): Shape<Value> {
  return Object.assign(read, { schema })
}

export const text: Shape<string> = shape({ type: 'string' }, (given, at) => {
  if (typeof given !== 'string') throw invalid(at, 'must be a text')
  return given
})

export const yesOrNo: Shape<boolean> = shape({ type: 'boolean' }, (given, at) => {
  if (typeof given !== 'boolean') throw invalid(at, 'must be true or false')
  return given
})

/** Bytes, milliseconds, ids: nothing that is recorded is less than 0. JSON's 1e999 is read as Infinity. */
export const amount: Shape<number> = shape({ type: 'number', minimum: 0 }, (given, at) => {
  if (typeof given !== 'number' || !Number.isFinite(given) || given < 0) throw invalid(at, 'must be a number, 0 or more')
  return given
})

export function oneOf<const Word extends string | number>(...words: readonly Word[]): Shape<Word> {
  return shape({ enum: words }, (given, at) => {
    const word = words.find((known) => known === given)
    if (word === undefined) throw invalid(at, `must be ${words.map((known) => JSON.stringify(known)).join(' or ')}`)
    return word
  })
}

export function listOf<Element>(element: Shape<Element>): Shape<readonly Element[]> {
  return shape({ type: 'array', items: element.schema }, (given, at) => {
    if (!Array.isArray(given)) throw invalid(at, 'must be a list')
    return given.map((one: unknown, index) => element(one, `${at}[${index}]`))
  })
}

export function pairOf(first: Shape<string>, second: Shape<string>): Shape<readonly [string, string]> {
  return shape({ type: 'array', items: { anyOf: [first.schema, second.schema] }, minItems: 2, maxItems: 2 }, (given, at) => {
    if (!Array.isArray(given) || given.length !== 2) throw invalid(at, 'must be a list of two texts')
    return [first(given[0], `${at}[0]`), second(given[1], `${at}[1]`)] as const
  })
}

/** Names and values; whatever a name is, it is a name. */
export function mapOf<Value>(value: Shape<Value>): Shape<Readonly<Record<string, Value>>> {
  return shape({ type: 'object', additionalProperties: value.schema }, (given, at) =>
    Object.fromEntries(Object.entries(object(given, at)).map(([name, one]) => [name, value(one, `${at}.${readable(name)}`)])),
  )
}

export function optional<Value>(inner: Shape<Value>): Shape<Value | undefined> {
  return Object.assign((given: unknown, at: string) => (given === undefined ? undefined : inner(given, at)), { schema: inner.schema, isOptional: true })
}

export function shapeOf<Value extends object>(members: Members<Value>): Shape<Value> {
  const all = Object.entries<Shape<unknown>>(members)
  const schema = {
    type: 'object',
    properties: Object.fromEntries(all.map(([name, member]) => [name, member.schema])),
    required: all.filter(([, { isOptional }]) => isOptional !== true).map(([name]) => name),
  }
  return shape(schema, (given, at) => {
    const found = object(given, at)
    const read = all.flatMap(([name, member]) => {
      const value = member(Object.hasOwn(found, name) ? found[name] : undefined, at === '' ? name : `${at}.${name}`)
      return value === undefined ? [] : [[name, value] as const]
    })
    return Object.fromEntries(read) as Value
  })
}

function object(given: unknown, at: string): Readonly<Record<string, unknown>> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw invalid(at === '' ? 'the record' : at, 'must be an object')
  return given as Readonly<Record<string, unknown>>
}
