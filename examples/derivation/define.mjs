import { writeDerivation } from './aterm.mjs'
import { derivationPath, referencesOf } from './check.mjs'
import { hashModulo, outputPaths } from './hash-modulo.mjs'

/**
 * @typedef {object} Defined
 * @property {string} path of its .drv file
 * @property {Readonly<Record<string, string>>} outputs their paths, by name
 *
 * @typedef {object} Definition as the arguments of Nix's `derivation`
 * @property {string} name
 * @property {string} system
 * @property {string} builder
 * @property {readonly string[]} [args]
 * @property {Readonly<Record<string, string>>} [env]
 * @property {readonly string[]} [outputs] names; `out` alone by default
 * @property {readonly Defined[]} [inputs] derivations, of which it may see all outputs
 * @property {readonly string[]} [sources] store paths
 * @property {{ method: 'sha256' | 'r:sha256', hash: string }} [fixed] what its output is known to be: sha256 in hexadecimal
 */

/** Writes derivations into a store, each after its inputs. */
export class Definitions {
  #store
  /** @type {Map<string, string>} */
  #hashes = new Map()

  /** @param {import('./store.mjs').Store} store */
  constructor(store) {
    this.#store = store
  }

  /**
   * @param {Definition} definition
   * @returns {Promise<Defined>}
   */
  async define({ name, system, builder, args = [], env = {}, outputs = ['out'], inputs = [], sources = [], fixed }) {
    const hashOf = (/** @type {string} */ path) => /** @type {string} */ (this.#hashes.get(path))
    const own = fixed === undefined ? {} : { outputHash: fixed.hash, outputHashAlgo: 'sha256', outputHashMode: fixed.method === 'sha256' ? 'flat' : 'recursive' }
    const several = outputs.length === 1 ? {} : { outputs: outputs.join(' ') }
    const draft = {
      outputs: new Map(outputs.map((output) => [output, { path: '', method: fixed?.method ?? '', hash: fixed?.hash ?? '' }])),
      inputDrvs: new Map(inputs.map((input) => [input.path, Object.keys(input.outputs)])),
      inputSrcs: sources,
      system,
      builder,
      args,
      env: new Map(Object.entries({ name, system, builder, ...own, ...several, ...env, ...Object.fromEntries(outputs.map((output) => [output, ''])) })),
    }
    const paths = outputPaths(this.#store.directory, name, draft, hashOf)
    const derivation = {
      ...draft,
      outputs: new Map([...draft.outputs].map(([output, declared]) => [output, { ...declared, path: paths.get(output) ?? '' }])),
      env: new Map([...draft.env, ...paths]),
    }
    const path = derivationPath(this.#store.directory, name, derivation)
    this.#hashes.set(path, hashModulo(derivation, hashOf))
    await this.#store.addText(`${name}.drv`, writeDerivation(derivation), referencesOf(derivation))
    return { path, outputs: Object.fromEntries(paths) }
  }
}
