import { isDeepStrictEqual } from 'node:util'

type Schema = Readonly<Record<string, unknown>>
type Rule = (argument: never, value: unknown, schema: Schema) => boolean

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value)
const all = <T>(values: readonly T[], test: (value: T) => boolean): boolean => values.every(test)

const types: Readonly<Record<string, (value: unknown) => boolean>> = {
  object: isObject,
  array: Array.isArray,
  string: (value) => typeof value === 'string',
  integer: Number.isInteger,
  number: Number.isFinite,
  boolean: (value) => typeof value === 'boolean',
}

/** Of JSON Schema, draft 2020-12, the keywords that a spec needs. Each holds of a value of another type than its own. */
const rules: Readonly<Record<string, Rule>> = {
  type: (type: string, value) => types[type]?.(value) ?? false,
  enum: (values: readonly unknown[], value) => values.includes(value),
  const: (constant: unknown, value) => constant === value,
  anyOf: (schemas: readonly Schema[], value) => schemas.some((schema) => isValid(schema, value)),
  pattern: (pattern: string, value) => typeof value !== 'string' || new RegExp(pattern, 'u').test(value),
  minimum: (least: number, value) => typeof value !== 'number' || value >= least,
  maximum: (most: number, value) => typeof value !== 'number' || value <= most,
  items: (schema: Schema, value) => !Array.isArray(value) || all(value, (item) => isValid(schema, item)),
  maxProperties: (most: number, value) => !isObject(value) || Object.keys(value).length <= most,
  minItems: (least: number, value) => !Array.isArray(value) || value.length >= least,
  maxItems: (most: number, value) => !Array.isArray(value) || value.length <= most,
  uniqueItems: (_: true, value) => !Array.isArray(value) || all(value, (item) => value.filter((other) => isDeepStrictEqual(item, other)).length === 1),
  required: (names: readonly string[], value) => !isObject(value) || all(names, (name) => Object.hasOwn(value, name)),
  properties: (schemas: Readonly<Record<string, Schema>>, value) =>
    !isObject(value) || all(Object.entries(schemas), ([name, schema]) => !Object.hasOwn(value, name) || isValid(schema, value[name])),
  propertyNames: (schema: Schema, value) => !isObject(value) || all(Object.keys(value), (key) => isValid(schema, key)),
  additionalProperties: (schema: Schema | false, value, { properties = {} }) => {
    if (!isObject(value)) return true
    const more = Object.keys(value).filter((key) => !Object.hasOwn(properties as object, key))
    return schema === false ? more.length === 0 : all(more, (key) => isValid(schema, value[key]))
  },
}

const annotations: ReadonlySet<string> = new Set(['$schema', 'title', 'description', 'default', 'allowComments', 'allowTrailingCommas'])

export function isValid(schema: Schema, value: unknown): boolean {
  return all(Object.entries(schema), ([keyword, argument]) => {
    if (annotations.has(keyword)) return true
    const rule = Object.hasOwn(rules, keyword) ? rules[keyword] : undefined
    // A rule that nobody applies would make a schema look stricter than it was tested to be.
    if (rule === undefined) throw new Error(`the keyword ${keyword} is not known here`)
    return rule(argument as never, value, schema)
  })
}
