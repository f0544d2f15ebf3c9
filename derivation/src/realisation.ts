import { availableParallelism } from 'node:os'

import type { Spec } from 'buildjail'

import { Graph, type Realised } from './graph.ts'
import { buildAgain, ownSystem, realise, type Comparison, type Realiser } from './realise.ts'
import { Store, type StoreOptions } from './store.ts'

export interface RealisationOptions extends StoreOptions {
  readonly system?: string
  /** How many builders there are at the same time. */
  readonly atOnce?: number
  /** Of every session besides, such as `limits`, or `toolchain: 'none'` if all is in the store. */
  readonly spec?: Spec
}

/** A store, and what is realised into it. */
export class Realisation {
  readonly store: Store
  /** Names of the derivations that were built, in the order of their ends. */
  readonly built: string[] = []
  readonly #realiser: Realiser
  readonly #graph: Graph

  private constructor(realiser: Realiser, turns: Turns) {
    this.store = realiser.store
    this.#realiser = realiser
    this.#graph = new Graph(realiser.store, (node) =>
      turns.take(async () => {
        await realise(realiser, node)
        this.built.push(node.name)
      }),
    )
  }

  static async open({ system = ownSystem, atOnce = availableParallelism(), spec = {}, ...options }: RealisationOptions): Promise<Realisation> {
    const store = await Store.open(options)
    return new Realisation({ store, system, cores: availableParallelism(), host: process.env, spec }, new Turns(atOnce))
  }

  /**
   * @param paths of .drv files in the store
   * @throws DerivationError, or an AggregateError of what failed
   */
  realise(paths: readonly string[]): Promise<Realised> {
    return this.#graph.realise(paths)
  }

  /**
   * Builds a derivation and compares.
   * @param there hashes of the NARs that its outputs have elsewhere, by their store paths. If one has none, the derivation is realised first.
   */
  async check(path: string, there: ReadonlyMap<string, string> = new Map()): Promise<Comparison[]> {
    const node = await this.#graph.load(path)
    if ([...node.derivation.outputs.values()].some((output) => !there.has(output.path))) await this.realise([path])
    await this.#graph.realiseInputs(node)
    return buildAgain(this.#realiser, node, there)
  }

  close(): Promise<void> {
    return this.store.close()
  }
}

/** At most so many at the same time, in the order in which they came. */
class Turns {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(atOnce: number) {
    this.#free = atOnce
  }

  async take(work: () => Promise<void>): Promise<void> {
    if (this.#free === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#free -= 1
    try {
      await work()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#free += 1
      else next()
    }
  }
}
