// A .drv file: what can be said of it without a store and without its inputs.
import { readDerivation, writeDerivation } from './aterm.mjs'
import { DerivationError } from './errors.mjs'
import { isStoreName, partsOf, textPath } from './store-path.mjs'

/** @typedef {import('./aterm.mjs').Derivation} Derivation */

const largest = 16 * 1024 * 1024
const end = '.drv'
const sha256Form = /^[0-9a-f]{64}$/

/** What would change what is built, and is not here. */
const unsupported = ['__json', '__structuredAttrs', 'allowedReferences', 'allowedRequisites', 'disallowedReferences', 'disallowedRequisites',
  'exportReferencesGraph', 'passAsFile']

/**
 * @param {string} directory of the store
 * @param {string} path of the .drv file, in the store
 * @returns {string} the name of the derivation
 */
export function derivationName(directory, path) {
  const { name } = partsOf(directory, path)
  if (!name.endsWith(end) || name === end) throw new DerivationError(`${path} is not the path of a derivation`)
  return name.slice(0, -end.length)
}

/**
 * Its path is made from all of its text. So a derivation cannot have itself among its inputs, or theirs.
 * @param {string} directory of the store
 * @param {string} path that the text was found at
 * @param {Buffer} bytes
 * @returns {Derivation}
 * @throws DerivationError
 */
export function checkedDerivation(directory, path, bytes) {
  const name = derivationName(directory, path)
  try {
    const text = decoded(bytes)
    const derivation = readDerivation(text)
    if (writeDerivation(derivation) !== text) throw new DerivationError('it is not written as Nix and Guix write it')
    checkMembers(directory, derivation)
    if (derivationPath(directory, name, derivation) !== path) throw new DerivationError('its text is that of another path')
    return derivation
  } catch (error) {
    if (!(error instanceof DerivationError)) throw error
    throw new DerivationError(`${path}: ${error.message}`, { cause: error })
  }
}

/**
 * @param {string} directory
 * @param {string} name
 * @param {Derivation} derivation
 */
export function derivationPath(directory, name, derivation) {
  return textPath(directory, `${name}${end}`, writeDerivation(derivation), referencesOf(derivation))
}

/** @param {Derivation} derivation */
export const referencesOf = ({ inputSrcs, inputDrvs }) => [...new Set([...inputSrcs, ...inputDrvs.keys()])]

/** @param {Buffer} bytes */
function decoded(bytes) {
  if (bytes.length > largest) throw new DerivationError(`it has more than ${largest} bytes`)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    throw new DerivationError('it is not UTF-8', { cause: error })
  }
}

/**
 * @param {string} directory
 * @param {Derivation} derivation
 */
function checkMembers(directory, derivation) {
  const { outputs, inputDrvs, inputSrcs, builder, env } = derivation
  checkOutputs(directory, derivation)
  for (const [path, names] of inputDrvs) {
    derivationName(directory, path)
    if (names.length === 0) throw new DerivationError(`no output of its input ${path} is wanted`)
  }
  for (const path of inputSrcs) partsOf(directory, path)
  if (!builder.startsWith('/')) throw new DerivationError(`its builder ${JSON.stringify(builder)} is not an absolute path`)
  for (const variable of env.keys()) {
    if (variable === '' || variable.includes('=')) throw new DerivationError(`${JSON.stringify(variable)} cannot be the name of a variable`)
  }
  for (const attribute of unsupported) {
    if (env.has(attribute) && !outputs.has(attribute)) throw new DerivationError(`it wants ${attribute}, which this realiser does not have`)
  }
}

/**
 * @param {string} directory
 * @param {Derivation} derivation
 */
function checkOutputs(directory, derivation) {
  const { outputs, env } = derivation
  if (outputs.size === 0) throw new DerivationError('it has no output')
  for (const [name, { path, method, hash }] of outputs) {
    if (!isStoreName(name)) throw new DerivationError(`${JSON.stringify(name)} cannot be the name of an output`)
    partsOf(directory, path)
    if (env.get(name) !== path) throw new DerivationError(`its variable ${name} is not the path of the output ${name}`)
    if (method === '' && hash === '') continue
    if (method !== 'sha256' && method !== 'r:sha256') throw new DerivationError(`its output ${name} is fixed by ${JSON.stringify(method)}: only sha256 is known`)
    if (!sha256Form.test(hash)) throw new DerivationError(`the hash of its output ${name} is no sha256 in hexadecimal`)
    if (name !== 'out' || outputs.size > 1) throw new DerivationError('a fixed output must be the only one, and called out')
  }
}
