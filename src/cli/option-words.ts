import nodePath from 'node:path'

import { commandLine } from '../command/command.ts'
import { fields, type Spec } from '../spec/fields.ts'
import { isAllowedNetwork, type AllowedNetwork, type Network } from '../spec/fields/network.ts'
import { isWithin } from '../spec/paths.ts'

/** Entries of a spec as options of the command line, quoted for a shell: `--input /w~=. --cwd /w`. */
export function optionWords(spec: Spec): string {
  const words = Object.entries(spec).flatMap(([name, value]: [string, unknown]) => {
    const { flag } = fields[name as keyof Spec]
    if (name === 'network' && isAllowedNetwork(value as Network)) return allowWords(value as AllowedNetwork)
    if (flag.value === undefined) return value === true ? [`--${flag.name}`] : []
    const values = valuesOf(value)
    return (flag.isRepeatable ? values : [values.join(',')]).flatMap((one) => [`--${flag.name}`, one])
  })
  return words.map((word) => (named.test(word) ? word : commandLine([word]))).join(' ')
}

function allowWords({ allow, tlsNames }: AllowedNetwork): readonly string[] {
  return [...allow.flatMap((entry) => ['--allow-host', entry]), ...(tlsNames === undefined ? [] : [`--tls-names=${tlsNames}`])]
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
  const folder = process.cwd()
  if (!path.startsWith('/') || folder === '/' || !isWithin(path, folder)) return path
  return nodePath.relative(folder, path) || '.'
}
