// The hash of a derivation, modulo how its fixed outputs come to be: a change of where a source is downloaded from does not change
// the path of anything that is made of it.
import { writeDerivation } from './aterm.mjs'
import { fixedOutputPath, outputPath, sha256 } from './store-path.mjs'

/**
 * @typedef {import('./aterm.mjs').Derivation} Derivation
 * @typedef {import('./aterm.mjs').Output} Output
 */

/**
 * @param {Derivation} derivation
 * @returns {Output | undefined} its one output, where the content of that is known
 */
export function fixedOutput({ outputs }) {
  const [output] = outputs.values()
  return output === undefined || output.method === '' ? undefined : output
}

/**
 * What stands for a derivation in those that have it as an input.
 * @param {Derivation} derivation
 * @param {(path: string) => string} hashOf the same of an input, by the path of its .drv file
 * @returns {string}
 */
export function hashModulo(derivation, hashOf) {
  const fixed = fixedOutput(derivation)
  if (fixed !== undefined) return sha256(`fixed:out:${fixed.method}:${fixed.hash}:${fixed.path}`)
  return sha256(writeDerivation({ ...derivation, inputDrvs: hashedInputs(derivation, hashOf) }))
}

/**
 * The paths that the outputs have to have.
 * @param {string} directory of the store
 * @param {string} name of the derivation
 * @param {Derivation} derivation whatever paths it has itself
 * @param {(path: string) => string} hashOf as for `hashModulo`
 * @returns {Map<string, string>} by the names of the outputs
 */
export function outputPaths(directory, name, derivation, hashOf) {
  const fixed = fixedOutput(derivation)
  if (fixed !== undefined) return new Map([['out', fixedOutputPath(directory, name, fixed.method, fixed.hash)]])
  const outputs = new Map([...derivation.outputs].map(([output, declared]) => [output, { ...declared, path: '' }]))
  const env = new Map([...derivation.env].map(([variable, value]) => [variable, outputs.has(variable) ? '' : value]))
  const hash = sha256(writeDerivation({ ...derivation, outputs, env, inputDrvs: hashedInputs(derivation, hashOf) }))
  return new Map([...outputs.keys()].map((output) => [output, outputPath(directory, name, output, hash)]))
}

/**
 * @param {Derivation} derivation
 * @param {(path: string) => string} hashOf
 */
function hashedInputs({ inputDrvs }, hashOf) {
  /** @type {Map<string, readonly string[]>} */
  const hashed = new Map()
  for (const [path, names] of inputDrvs) {
    const hash = hashOf(path)
    // Two derivations of the same fixed output are one here.
    hashed.set(hash, [...new Set([...(hashed.get(hash) ?? []), ...names])])
  }
  return hashed
}
