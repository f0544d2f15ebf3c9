// Derivations and their inputs, read from a store and realised in the order of their needs, as many at once as sessions are had.
import { checkedDerivation, derivationName } from './check.mjs'
import { DerivationError } from './errors.mjs'
import { hashModulo, outputPaths } from './hash-modulo.mjs'

/**
 * @typedef {object} Node
 * @property {string} path of its .drv file
 * @property {string} name
 * @property {import('./aterm.mjs').Derivation} derivation
 * @property {ReadonlyMap<string, Node>} inputs by the paths of their .drv files
 * @property {string} hash what stands for it where it is an input
 */

export class Graph {
  #store
  #build
  /** @type {Map<string, Node>} */
  #nodes = new Map()
  /** @type {Map<Node, Promise<void>>} */
  #realised = new Map()

  /**
   * @param {Pick<import('./store.mjs').Store, 'directory' | 'query' | 'read'>} store
   * @param {(node: Node) => Promise<void>} build makes the outputs of one whose inputs are there, and registers them
   */
  constructor(store, build) {
    this.#store = store
    this.#build = build
  }

  /**
   * @param {string} path of a .drv file
   * @returns {Promise<Node>}
   * @throws DerivationError where it or one of its inputs is not as it has to be
   */
  load(path) {
    return this.#load(path, [])
  }

  /**
   * Realises derivations and their inputs. What does not need one that failed is realised all the same.
   * @param {readonly string[]} paths of .drv files
   * @returns {Promise<Map<string, ReadonlyMap<string, string>>>} the paths of the outputs by name, by the path of the derivation
   * @throws AggregateError of what failed, each once
   */
  async realise(paths) {
    const nodes = []
    for (const path of paths) nodes.push(await this.load(path))
    const settled = await Promise.allSettled(nodes.map((node) => this.#realise(node)))
    // Of those that were begun for others, too.
    await Promise.allSettled(this.#realised.values())
    const errors = new Set(settled.flatMap((result) => (result.status === 'rejected' ? [result.reason] : [])))
    if (errors.size > 0) throw new AggregateError(errors, [...errors].map((error) => error.message).join('\n'))
    return new Map(nodes.map(({ path, derivation }) => [path, new Map([...derivation.outputs].map(([name, output]) => [name, output.path]))]))
  }

  /**
   * @param {Node} node
   * @returns {Promise<void>}
   */
  #realise(node) {
    const begun = this.#realised.get(node)
    if (begun !== undefined) return begun
    const realising = this.#begin(node)
    this.#realised.set(node, realising)
    return realising
  }

  /** @param {Node} node */
  async #begin(node) {
    const outputs = [...node.derivation.outputs.values()]
    if (outputs.every(({ path }) => this.#store.query(path) !== undefined)) return
    await Promise.all([...node.inputs.values()].map((input) => this.#realise(input)))
    await this.#build(node)
  }

  /**
   * @param {string} path
   * @param {readonly string[]} around those that have it as an input
   * @returns {Promise<Node>}
   */
  async #load(path, around) {
    const known = this.#nodes.get(path)
    if (known !== undefined) return known
    // The path of a derivation is a hash of its inputs, so only a store that was tampered with gets here.
    if (around.includes(path)) throw new DerivationError(`${path} is an input of its own, by ${around.join(', ')}`)
    const { directory } = this.#store
    const name = derivationName(directory, path)
    const derivation = checkedDerivation(directory, path, await this.#store.read(path))
    const inputs = new Map()
    for (const [input, names] of derivation.inputDrvs) inputs.set(input, await this.#input(path, input, names, [...around, path]))
    for (const source of derivation.inputSrcs) {
      if (this.#store.query(source) === undefined) throw new DerivationError(`${path}: its input ${source} is not in the store`)
    }
    const hashOf = (/** @type {string} */ input) => /** @type {Map<string, Node>} */ (inputs).get(input)?.hash ?? ''
    for (const [output, computed] of outputPaths(directory, name, derivation, hashOf)) {
      const declared = derivation.outputs.get(output)?.path
      if (declared !== computed) throw new DerivationError(`${path}: its output ${output} has to be ${computed}, and not ${declared}`)
    }
    const node = { path, name, derivation, inputs, hash: hashModulo(derivation, hashOf) }
    this.#nodes.set(path, node)
    return node
  }

  /**
   * @param {string} path
   * @param {string} input
   * @param {readonly string[]} names of outputs that are wanted
   * @param {readonly string[]} around
   */
  async #input(path, input, names, around) {
    if (this.#store.query(input) === undefined) throw new DerivationError(`${path}: its input ${input} is not in the store`)
    const node = await this.#load(input, around)
    const missing = names.find((name) => !node.derivation.outputs.has(name))
    if (missing !== undefined) throw new DerivationError(`${path}: its input ${input} has no output ${missing}`)
    return node
  }
}
