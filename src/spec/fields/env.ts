import { bare } from '../plain-data.ts'
import { invalid, readList, readPairs, readRecord, readString } from '../check.ts'
import { noFacts, type Field } from '../field.ts'
import { readable } from '../messages.ts'
import { withPath } from './path.ts'

export interface WithEnv {
  /**
   * Variables that are added to the clean default and win over it. The default is PATH, HOME=/tmp, TMPDIR=/tmp, and LC_ALL=C.UTF-8 if the host's toolchain has
   * that, else LC_ALL=C. Give either names and their values, or `{ pass, set }`. In the first form every value is a string, so `{ pass: 'x' }` is a variable
   * called pass.
   */
  readonly env?: Variables | PassedVariables
}

export type Variables = Readonly<Record<string, string>>

export interface PassedVariables {
  /** Variables of this program that the build gets with the values that they have when the plan is made. Those that are not set are left out. */
  readonly pass?: readonly string[]
  /** Variables and their values. They win over those that are passed. */
  readonly set?: Variables
}

/** As read. They inherit nothing, so that what one lacks is not found elsewhere. */
type Env = Variables | PassedVariables

export const env: Field<Env, true> = {
  read: (given, entry) => {
    const record = readRecord(given, entry)
    if (typeof (record['pass'] ?? '') === 'string' && typeof (record['set'] ?? '') === 'string') return readVariables(record, entry)
    for (const key of Object.keys(record)) {
      if (key !== 'pass' && key !== 'set') throw invalid(`${entry}.${key}`, 'cannot stand beside pass and set; a variable of the build is in set')
    }
    const { pass, set } = record
    return bare<PassedVariables>({
      ...(pass === undefined ? {} : { pass: readList(pass, `${entry}.pass`, 'a list of names').map((name, index) => readPassed(name, `${entry}.pass[${index}]`)) }),
      ...(set === undefined ? {} : { set: readVariables(readRecord(set, `${entry}.set`), `${entry}.set`) }),
    })
  },
  plan: ({ settled }, value) => {
    if (value === undefined) return
    const added = variablesOf(value)
    const isOnPath = added['PATH'] !== undefined && settled.path.length > 0
    settled.env = { ...settled.env, ...added, ...(isOnPath ? { PATH: withPath(settled.path, added['PATH']) } : {}) }
  },
  isAddable: true,
  facts: noFacts,
  flag: {
    name: 'env',
    value: 'NAME[=VALUE]',
    help: 'add to the clean environment; NAME alone passes the variable on; repeatable',
    isRepeatable: true,
    offers: { variables: true },
    read: (texts, option) => {
      const pass = texts.filter((text) => !text.includes('='))
      const set = readPairs(texts.filter((text) => text.includes('=')), option, 'NAME=value')
      if (pass.length === 0) return set
      const twice = pass.find((name, index) => Object.hasOwn(set, name) || pass.indexOf(name) !== index)
      if (twice !== undefined) throw invalid(option, `'${twice}' is given twice`)
      return { pass: pass.map((name) => readPassed(name, option)), set }
    },
    join: joinedEnv,
  },
  schema: {
    anyOf: [
      variablesSchema(),
      {
        type: 'object',
        properties: { pass: { type: 'array', items: { type: 'string', pattern: String.raw`^[^=\0*]+$` } }, set: variablesSchema() },
        additionalProperties: false,
      },
    ],
    description: 'Added to the clean environment, over which it wins: names and values, or { pass, set }.',
  },
}

/** A variable of the command line replaces that of the file, whether it is passed or set. */
function joinedEnv(ofFile: Env, given: Env): Env {
  const [before, after] = [partsOf(ofFile), partsOf(given)]
  const kept = Object.entries(before.set).filter(([name]) => !after.pass.includes(name))
  return bare<PassedVariables>({ pass: [...new Set([...before.pass, ...after.pass])], set: bare<Variables>({ ...Object.fromEntries(kept), ...after.set }) })
}

export function partsOf(value: Env): Required<PassedVariables> {
  return isPassed(value) ? { pass: value.pass ?? [], set: value.set ?? {} } : { pass: [], set: value }
}

/** What a spec adds to the environment. */
export function variablesOf(value: Env): Variables {
  if (!isPassed(value)) return value
  const passed = (value.pass ?? []).flatMap((name): [string, string][] => {
    const text = Object.hasOwn(process.env, name) ? process.env[name] : undefined
    return text === undefined ? [] : [[name, text]]
  })
  return bare<Variables>({ ...Object.fromEntries(passed), ...value.set })
}

function isPassed(value: Env): value is PassedVariables {
  return typeof (value.pass ?? '') !== 'string' || typeof (value.set ?? '') !== 'string'
}

function readName(given: unknown, entry: string): string {
  if (typeof given !== 'string') throw invalid(entry, 'must be a string')
  if (given === '' || given.includes('=') || given.includes('\0')) throw invalid(entry, 'a variable name must not be empty or hold = or NUL')
  return given
}

function readPassed(given: unknown, entry: string): string {
  const name = readName(given, entry)
  if (name.includes('*')) throw invalid(entry, `${readable(name)}: a variable is passed by its whole name, and not by a pattern`)
  return name
}

function readVariables(record: Readonly<Record<string, unknown>>, entry: string): Variables {
  const variables = Object.entries(record).map(([key, text]): [string, string] => [readName(key, `${entry}.${key}`), readString(text, `${entry}.${key}`)])
  return bare<Variables>(Object.fromEntries(variables))
}

function variablesSchema() {
  return {
    type: 'object',
    propertyNames: { pattern: String.raw`^[^=\0]+$` },
    additionalProperties: { type: 'string', pattern: String.raw`^[^\0]*$` },
  } as const
}
