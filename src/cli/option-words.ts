import nodePath from 'node:path'

import { commandLine } from '../command/command.ts'
import { fields, type Spec } from '../spec/fields.ts'
import { handedInNetwork, isAllowedNetwork, type AllowedNetwork, type Network } from '../spec/fields/network.ts'
import { limitTable, type LimitName, type Limits } from '../spec/fields/limits.ts'
import { workingFolder } from '../spec/look.ts'
import { isWithin } from '../spec/paths.ts'

/** Entries of a spec as options of the command line, quoted for a shell: `--input /w~=. --cwd /w`. */
export function optionWords(spec: Spec): string {
  const words = Object.entries(spec).flatMap(([name, value]: [string, unknown]) => {
    const { flag } = fields[name as keyof Spec]
    if (name === 'network' && isAllowedNetwork(value as Network)) return allowWords(value as AllowedNetwork)
    const handed = name === 'network' ? handedInNetwork(value as Network) : undefined
    if (handed !== undefined) return ['--network', handed.join(':')]
    if (flag.value === undefined) return value === true ? [`--${flag.name}`] : []
    const values = name === 'limits' ? Object.entries(value as Limits).map(limitWord) : valuesOf(value)
    return (flag.isRepeatable ? values : [values.join(',')]).flatMap((one) => [`--${flag.name}`, one])
  })
  return words.map((word) => (named.test(word) ? word : commandLine([word]))).join(' ')
}

function allowWords({ allow, tlsNames }: AllowedNetwork): readonly string[] {
  return [...allow.flatMap((entry) => ['--allow-host', entry]), ...(tlsNames === undefined ? [] : [`--tls-names=${tlsNames}`])]
}

/** With a unit, which the command line asks for. */
function limitWord([name, value]: [string, unknown]): string {
  const unit = isLimit(name) && typeof value === 'number' ? limitTable[name].unit : 'number'
  return `${name}=${unit === 'number' ? String(value) : withUnit(value as number, units[unit])}`
}

const units = { bytes: { T: 1024 ** 4, G: 1024 ** 3, M: 1024 ** 2, K: 1024, B: 1 }, milliseconds: { h: 3_600_000, m: 60_000, s: 1000, ms: 1 } } as const

function withUnit(value: number, ofKind: Readonly<Record<string, number>>): string {
  const [unit = '', size = 1] = Object.entries(ofKind).find(([, one]) => value !== 0 && value % one === 0) ?? Object.entries(ofKind).at(-1) ?? []
  return `${value / size}${unit}`
}

function isLimit(name: string): name is LimitName {
  return Object.hasOwn(limitTable, name)
}

/** A tilde before the equals sign is left alone by shells. */
const named = /^[\w./-]+~=[\w@%+:,./-]*$/

function valuesOf(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.map(String)
  return typeof value === 'object' && value !== null ? Object.entries(value).map(namedValue) : [String(value)]
}

function namedValue([name, value]: [string, unknown]): string {
  if (typeof value !== 'object' || value === null) return `${name}=${shortened(String(value))}`
  const { path, optional, overlay } = value as { readonly path: string; readonly optional?: boolean; readonly overlay?: boolean }
  return `${name}${optional === true ? '?' : ''}${overlay === true ? '~' : ''}=${shortened(path)}`
}

/** Relative to the working directory if it lies there, as a person would type it. */
function shortened(path: string): string {
  const folder = workingFolder()
  if (!path.startsWith('/') || folder === '/' || !isWithin(path, folder)) return path
  return nodePath.relative(folder, path) || '.'
}
