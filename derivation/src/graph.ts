// Derivations and their inputs, read from a store and realised in the order of their needs.
import type { Derivation } from './aterm.ts'
import { checkedDerivation, derivationName } from './check.ts'
import { DerivationError } from './errors.ts'
import { hashModulo, outputPaths } from './hash-modulo.ts'
import type { Store } from './store.ts'

export interface Node {
  /** Of its .drv file. */
  readonly path: string
  readonly name: string
  readonly derivation: Derivation
  /** By the paths of their .drv files. */
  readonly inputs: ReadonlyMap<string, Node>
  /** What stands for it in a derivation that has it as an input. */
  readonly hash: string
}

/** The paths of the outputs by name, by the path of the derivation. */
export type Realised = ReadonlyMap<string, ReadonlyMap<string, string>>

/** Names of outputs. */
type Wanted = readonly [node: Node, names: readonly string[]]

const wantedBy = ({ inputs, derivation }: Node): Wanted[] => [...inputs].map(([path, input]) => [input, derivation.inputDrvs.get(path) ?? []])

/** Derivations that have one output in common have all. */
const firstOutput = ({ derivation }: Node): string => [...derivation.outputs.values()][0]?.path ?? ''

export class Graph {
  readonly #store: Pick<Store, 'directory' | 'query' | 'read'>
  readonly #build: (node: Node) => Promise<void>
  readonly #nodes = new Map<string, Node>()
  /** With its inputs. */
  readonly #built = new Map<Node, Promise<void>>()
  /** The last that makes the outputs of which the first has this path. */
  readonly #made = new Map<string, Promise<void>>()

  /** @param build makes the outputs of one whose inputs are there, and registers them */
  constructor(store: Pick<Store, 'directory' | 'query' | 'read'>, build: (node: Node) => Promise<void>) {
    this.#store = store
    this.#build = build
  }

  /**
   * @param path of a .drv file
   * @throws DerivationError if it or one of its inputs is wrong
   */
  load(path: string): Promise<Node> {
    return this.#load(path, [])
  }

  /**
   * Realises derivations and their inputs. What does not need one that failed is realised all the same.
   * @param paths of .drv files
   * @throws AggregateError of what failed, each once
   */
  async realise(paths: readonly string[]): Promise<Realised> {
    const nodes: Node[] = []
    for (const path of paths) nodes.push(await this.load(path))
    await this.#together(nodes.map((node) => [node, [...node.derivation.outputs.keys()]]))
    return new Map(nodes.map(({ path, derivation }) => [path, new Map([...derivation.outputs].map(([name, output]) => [name, output.path]))]))
  }

  /**
   * Also of one whose outputs are there, which may be so without its inputs.
   * @throws as `realise`
   */
  realiseInputs(node: Node): Promise<void> {
    return this.#together(wantedBy(node))
  }

  /** Once it is settled, nothing is being built. */
  async #together(wanted: readonly Wanted[]): Promise<void> {
    const settled = await Promise.allSettled(wanted.map((one) => this.#realise(...one)))
    // Of those that were begun for others, too.
    await Promise.allSettled(this.#built.values())
    const errors = new Set(settled.flatMap((result) => (result.status === 'rejected' ? [result.reason as Error] : [])))
    if (errors.size > 0) throw new AggregateError(errors, [...errors].map((error) => error.message).join('\n'))
  }

  #isRealised({ derivation }: Node, names: Iterable<string>): boolean {
    return [...names].every((name) => this.#store.query(derivation.outputs.get(name)?.path ?? '') !== undefined)
  }

  async #realise(...[node, names]: Wanted): Promise<void> {
    if (this.#isRealised(node, names)) return
    const begun = this.#built.get(node)
    if (begun !== undefined) return begun
    const building = this.#begin(node)
    this.#built.set(node, building)
    return building
  }

  async #begin(node: Node): Promise<void> {
    await Promise.all(wantedBy(node).map((one) => this.#realise(...one)))
    const making = this.#make(node, this.#made.get(firstOutput(node)))
    this.#made.set(firstOutput(node), making)
    return making
  }

  /** @param before makes the same outputs: two fixed ones may differ in where they come from, and what is built from them is as one */
  async #make(node: Node, before: Promise<void> | undefined): Promise<void> {
    await before?.catch(() => {})
    if (!this.#isRealised(node, node.derivation.outputs.keys())) await this.#build(node)
  }

  /** @param around those that have it as an input */
  async #load(path: string, around: readonly string[]): Promise<Node> {
    const known = this.#nodes.get(path)
    if (known !== undefined) return known
    // The path of a derivation is a hash of its inputs, so only a store that was tampered with gets here.
    if (around.includes(path)) throw new DerivationError(`${path} is an input of its own, by ${around.join(', ')}`)
    const { directory } = this.#store
    const name = derivationName(directory, path)
    const derivation = checkedDerivation(directory, path, await this.#store.read(path))
    const inputs = new Map<string, Node>()
    for (const [input, names] of derivation.inputDrvs) inputs.set(input, await this.#input(path, input, names, [...around, path]))
    for (const source of derivation.inputSrcs) {
      if (this.#store.query(source) === undefined) throw new DerivationError(`${path}: its input ${source} is not in the store`)
    }
    const hashOf = (input: string): string => inputs.get(input)?.hash ?? ''
    for (const [output, computed] of outputPaths(directory, name, derivation, hashOf)) {
      const declared = derivation.outputs.get(output)?.path
      if (declared !== computed) throw new DerivationError(`${path}: its output ${output} has to be ${computed}, and not ${declared}`)
    }
    const node = { path, name, derivation, inputs, hash: hashModulo(derivation, hashOf) }
    this.#nodes.set(path, node)
    return node
  }

  /** @param names of outputs that are wanted */
  async #input(path: string, input: string, names: readonly string[], around: readonly string[]): Promise<Node> {
    if (this.#store.query(input) === undefined) throw new DerivationError(`${path}: its input ${input} is not in the store`)
    const node = await this.#load(input, around)
    const missing = names.find((name) => !node.derivation.outputs.has(name))
    if (missing !== undefined) throw new DerivationError(`${path}: its input ${input} has no output ${missing}`)
    return node
  }
}
