// Names in a store, DIRECTORY/HASH-NAME, and where their hashes come from.
import { createHash } from 'node:crypto'

import { base32, base32Class } from './base32.mjs'
import { DerivationError } from './errors.mjs'
import { byBytes } from './order.mjs'

/** How long the hash of a store path is, in characters. */
export const hashLength = 32

const nameForm = /^[\w+\-.?=]{1,211}$/
const dots = /^\.\.?(?:-|$)/
const entryForm = new RegExp(`^(${base32Class}{${hashLength}})-(.+)$`)
const directoryForm = /^(?:\/(?!\.\.?(?:\/|$))[\w+\-.]+)+$/

/** @param {string | NodeJS.ArrayBufferView} data */
export const sha256 = (data) => createHash('sha256').update(data).digest('hex')

/** @param {string} name */
export const isStoreName = (name) => nameForm.test(name) && !dots.test(name)

/**
 * @param {string} name
 * @throws DerivationError
 */
export function checkName(name) {
  if (!isStoreName(name)) throw new DerivationError(`${JSON.stringify(name)} cannot be the name of a store path`)
}

/**
 * @param {string} directory such as /gnu/store
 * @throws DerivationError
 */
export function checkStoreDirectory(directory) {
  if (!directoryForm.test(directory)) throw new DerivationError(`${JSON.stringify(directory)} cannot be the directory of a store`)
}

/**
 * @param {string} directory
 * @param {string} path
 * @returns {{ base: string, hash: string, name: string }} `base` is the name in the directory
 * @throws DerivationError
 */
export function partsOf(directory, path) {
  const base = path.startsWith(`${directory}/`) ? path.slice(directory.length + 1) : ''
  const [, hash = '', name = ''] = entryForm.exec(base) ?? []
  if (!isStoreName(name)) throw new DerivationError(`${JSON.stringify(path)} is no path of the store ${directory}`)
  return { base, hash, name }
}

/**
 * @param {string} directory
 * @param {string} type what it is the path of
 * @param {string} hash sha256 in hexadecimal
 * @param {string} name
 */
function storePath(directory, type, hash, name) {
  checkName(name)
  const whole = createHash('sha256').update(`${type}:sha256:${hash}:${directory}:${name}`).digest()
  // Folded to 160 bits.
  const folded = Buffer.alloc(20)
  for (const [index, byte] of whole.entries()) folded[index % 20] = (folded[index % 20] ?? 0) ^ byte
  return `${directory}/${base32(folded)}-${name}`
}

const withReferences = (/** @type {string} */ type, /** @type {readonly string[]} */ references) => [type, ...[...references].sort(byBytes)].join(':')

/**
 * Of a text in the store, such as a .drv file.
 * @param {string} directory
 * @param {string} name
 * @param {string} text
 * @param {readonly string[]} references
 */
export function textPath(directory, name, text, references) {
  return storePath(directory, withReferences('text', references), sha256(text), name)
}

/**
 * Of files that were brought into the store, by the hash of their NAR.
 * @param {string} directory
 * @param {string} name
 * @param {string} narHash
 */
export function sourcePath(directory, name, narHash) {
  return storePath(directory, 'source', narHash, name)
}

/**
 * Of an output whose content is known before it is made.
 * @param {string} directory
 * @param {string} name
 * @param {string} method `sha256`, or `r:sha256` of its NAR
 * @param {string} hash
 */
export function fixedOutputPath(directory, name, method, hash) {
  if (method === 'r:sha256') return sourcePath(directory, name, hash)
  return storePath(directory, 'output:out', sha256(`fixed:out:${method}:${hash}:`), name)
}

/**
 * Of an output whose path says what it is made from.
 * @param {string} directory
 * @param {string} derivation its name
 * @param {string} output its name
 * @param {string} hash of the derivation
 */
export function outputPath(directory, derivation, output, hash) {
  return storePath(directory, `output:${output}`, hash, output === 'out' ? derivation : `${derivation}-${output}`)
}
