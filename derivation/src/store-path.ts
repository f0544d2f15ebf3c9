// Names in a store, DIRECTORY/HASH-NAME, and where their hashes come from.
import { createHash } from 'node:crypto'

import { base32, base32Class } from './base32.ts'
import { DerivationError } from './errors.ts'
import { byBytes } from './order.ts'

/** How long the hash of a store path is, in characters. */
export const hashLength = 32

const nameForm = /^[\w+\-.?=]{1,211}$/
const dots = /^\.\.?(?:-|$)/
const entryForm = new RegExp(`^(${base32Class}{${hashLength}})-(.+)$`)
const directoryForm = /^(?:\/(?!\.\.?(?:\/|$))[\w+\-.]+)+$/

export const sha256 = (data: string | NodeJS.ArrayBufferView): string => createHash('sha256').update(data).digest('hex')

export const isStoreName = (name: string): boolean => nameForm.test(name) && !dots.test(name)

/** @throws DerivationError */
export function checkName(name: string): void {
  if (!isStoreName(name)) throw new DerivationError(`${JSON.stringify(name)} cannot be the name of a store path`)
}

/**
 * @param directory such as /gnu/store
 * @throws DerivationError
 */
export function checkStoreDirectory(directory: string): void {
  if (!directoryForm.test(directory)) throw new DerivationError(`${JSON.stringify(directory)} cannot be the directory of a store`)
}

/** Of a name in the directory of a store. */
export const isEntry = (base: string): boolean => isStoreName(entryForm.exec(base)?.[2] ?? '')

export interface StorePathParts {
  /** The name in the directory. */
  readonly base: string
  readonly hash: string
  readonly name: string
}

/** @throws DerivationError */
export function partsOf(directory: string, path: string): StorePathParts {
  const base = path.startsWith(`${directory}/`) ? path.slice(directory.length + 1) : ''
  const [, hash = '', name = ''] = entryForm.exec(base) ?? []
  if (!isStoreName(name)) throw new DerivationError(`${JSON.stringify(path)} is no path of the store ${directory}`)
  return { base, hash, name }
}

/** What a path in the store, or in an entry of it, is a part of. Any other path stays as it is. */
export const storePathOf = (directory: string, path: string): string =>
  path.startsWith(`${directory}/`) ? path.split('/', directory.split('/').length + 1).join('/') : path

/**
 * @param type says what it is the path of
 * @param hash sha256 in hexadecimal
 */
function storePath(directory: string, type: string, hash: string, name: string): string {
  checkName(name)
  const whole = createHash('sha256').update(`${type}:sha256:${hash}:${directory}:${name}`).digest()
  // Folded to 160 bits.
  const folded = Buffer.alloc(20)
  for (const [index, byte] of whole.entries()) folded[index % 20] = (folded[index % 20] ?? 0) ^ byte
  return `${directory}/${base32(folded)}-${name}`
}

/**
 * Of a text in the store, such as a .drv file.
 * @param hash sha256 in hexadecimal
 */
export function textPath(directory: string, name: string, hash: string, references: readonly string[]): string {
  return storePath(directory, ['text', ...[...references].sort(byBytes)].join(':'), hash, name)
}

/** Of files that were brought into the store, by the hash of their NAR. */
export function sourcePath(directory: string, name: string, narHash: string): string {
  return storePath(directory, 'source', narHash, name)
}

/**
 * Of an output whose content is known before it is made.
 * @param method the name of a hash, or `r:` and that, if it is the hash of its NAR
 */
export function fixedOutputPath(directory: string, name: string, method: string, hash: string): string {
  if (method === 'r:sha256') return sourcePath(directory, name, hash)
  return storePath(directory, 'output:out', sha256(`fixed:out:${method}:${hash}:`), name)
}

/**
 * Of an output whose path says what it is made from.
 * @param derivation its name
 * @param output its name
 * @param hash of the derivation
 */
export function outputPath(directory: string, derivation: string, output: string, hash: string): string {
  return storePath(directory, `output:${output}`, hash, output === 'out' ? derivation : `${derivation}-${output}`)
}

/** How a path was made from its content, in the words of Nix. `hash` is in hexadecimal. */
export const contentAddress = (method: string, hash: string): string => `${method}:${base32(Buffer.from(hash, 'hex'))}`
