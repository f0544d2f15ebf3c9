// What a derivation asks of its realiser by attributes: as variables, or in the JSON of structured attributes.
import type { Derivation } from './aterm.ts'
import { DerivationError } from './errors.ts'
import { isObject, readStructured, NumberText, type Json, type JsonObject } from './structured.ts'

export interface Attributes {
  readonly structured: JsonObject | undefined
  /** Variables that the builder gets as files. */
  readonly passAsFile: readonly string[]
  /** Store paths of exportReferencesGraph, by the name of a file or of a structured attribute. */
  readonly graphs: ReadonlyMap<string, readonly string[]>
  /** Variables of the realiser that a fixed output gets. */
  readonly impureEnvVars: readonly string[]
  /** What holds for an output, by its name. */
  readonly checksOf: (output: string) => OutputChecks
}

/** Lists have store paths, and names of outputs. */
export interface OutputChecks {
  readonly allowedReferences?: readonly string[] | undefined
  readonly allowedRequisites?: readonly string[] | undefined
  readonly disallowedReferences?: readonly string[] | undefined
  readonly disallowedRequisites?: readonly string[] | undefined
  /** In bytes, of the NAR. */
  readonly maxSize?: number | undefined
  readonly maxClosureSize?: number | undefined
  /** Whether its requisites are without itself. */
  readonly withoutItself: boolean
  /** Whether it is taken to refer to nothing. */
  readonly discardReferences: boolean
}

/** @throws DerivationError */
export function attributesOf({ env }: Derivation): Attributes {
  const json = env.get('__json')
  return json === undefined ? ofVariables(env) : ofStructured(readStructured(json))
}

function ofVariables(env: ReadonlyMap<string, string>): Attributes {
  const words = (name: string): string[] | undefined => env.get(name)?.split(/[ \t\n\r]+/).filter((word) => word !== '')
  const graphs = new Map<string, readonly string[]>()
  const pairs = words('exportReferencesGraph') ?? []
  if (pairs.length % 2 !== 0) throw new DerivationError('its exportReferencesGraph is no list of names and paths')
  for (let at = 0; at < pairs.length; at += 2) {
    const [name = '', path = ''] = pairs.slice(at)
    if (!/^[A-Za-z_][\w.-]*$/.test(name)) throw new DerivationError(`its exportReferencesGraph: ${JSON.stringify(name)} cannot be the name of a file`)
    graphs.set(name, [path])
  }
  const checks: OutputChecks = {
    allowedReferences: words('allowedReferences'),
    allowedRequisites: words('allowedRequisites'),
    disallowedReferences: words('disallowedReferences'),
    disallowedRequisites: words('disallowedRequisites'),
    withoutItself: true,
    discardReferences: false,
  }
  return { structured: undefined, passAsFile: words('passAsFile') ?? [], graphs, impureEnvVars: words('impureEnvVars') ?? [], checksOf: () => checks }
}

function ofStructured(structured: JsonObject): Attributes {
  const outputChecks = object(structured['outputChecks'], 'outputChecks')
  const discard = object(structured['unsafeDiscardReferences'], 'unsafeDiscardReferences')
  const graphs = isObject(structured['exportReferencesGraph']) ? structured['exportReferencesGraph'] : {}
  const checksOf = (output: string): OutputChecks => {
    const entry = `outputChecks.${output}`
    const own = object(ownOf(outputChecks, output), entry)
    return {
      allowedReferences: strings(own['allowedReferences'], `${entry}.allowedReferences`),
      allowedRequisites: strings(own['allowedRequisites'], `${entry}.allowedRequisites`),
      disallowedReferences: strings(own['disallowedReferences'], `${entry}.disallowedReferences`),
      disallowedRequisites: strings(own['disallowedRequisites'], `${entry}.disallowedRequisites`),
      maxSize: number(own['maxSize'], `${entry}.maxSize`),
      maxClosureSize: number(own['maxClosureSize'], `${entry}.maxClosureSize`),
      withoutItself: false,
      discardReferences: ownOf(discard, output) === true,
    }
  }
  Object.keys(outputChecks).forEach(checksOf)
  return {
    structured,
    passAsFile: [],
    graphs: new Map(Object.entries(graphs).map(([name, paths]) => [name, flattened(paths)])),
    impureEnvVars: strings(structured['impureEnvVars'], 'impureEnvVars') ?? [],
    checksOf,
  }
}

/** An output may be called as what every object of JavaScript has, such as `constructor`. */
const ownOf = (value: JsonObject, name: string): Json | undefined => (Object.hasOwn(value, name) ? value[name] : undefined)

function object(value: Json | undefined, name: string): JsonObject {
  if (value === undefined) return {}
  if (!isObject(value)) throw new DerivationError(`its ${name} is no object`)
  return value
}

function strings(value: Json | undefined, name: string): readonly string[] | undefined {
  if (value === undefined) return undefined
  if (!Array.isArray(value) || !value.every((one) => typeof one === 'string')) throw new DerivationError(`its ${name} is no list of strings`)
  return value
}

function number(value: Json | undefined, name: string): number | undefined {
  if (value === undefined) return undefined
  if (!(value instanceof NumberText)) throw new DerivationError(`its ${name} is no number`)
  return Number(value.text)
}

function flattened(value: Json): string[] {
  if (typeof value === 'string') return [value]
  if (!Array.isArray(value)) throw new DerivationError('its exportReferencesGraph has a path that is no string')
  return (value as readonly Json[]).flatMap(flattened)
}
