import { Graph } from './graph.mjs'
import { lockedBy } from './lock.mjs'
import { realise } from './realise.mjs'
import { Sessions } from './sessions.mjs'
import { Store } from './store.mjs'
import { ownSystem } from './system.mjs'

/**
 * @typedef {object} RealisationOptions
 * @property {string} folder of the host that the store is in
 * @property {string} directory where it is inside of sessions, such as /gnu/store
 * @property {string} [system]
 * @property {string} [buildDirectory] inside
 * @property {number} [atOnce] see `Sessions.open`
 * @property {import('../../src/index.ts').Spec} [spec] of every session besides, see `Sessions.open`
 */

/** @typedef {{ name: string, startMs: number, endMs: number }} Step counted from the opening */

/** A store, and what is realised into it. */
export class Realisation {
  store
  #sessions
  #graph
  /** @type {Step[]} what was built, in the order of its end */
  steps = []

  /**
   * @param {Store} store
   * @param {Sessions} sessions
   * @param {Omit<import('./realise.mjs').Realiser, 'store' | 'sessions'>} more
   */
  constructor(store, sessions, more) {
    this.store = store
    this.#sessions = sessions
    const began = performance.now()
    this.#graph = new Graph(store, async (node) => {
      const startMs = performance.now() - began
      await realise({ store, sessions, ...more }, node)
      this.steps.push({ name: node.name, startMs, endMs: performance.now() - began })
    })
  }

  /**
   * @param {Pick<typeof import('../../src/index.ts'), 'openSession' | 'SessionPool'>} buildjail
   * @param {RealisationOptions} options
   */
  static async open(buildjail, { folder, directory, system = ownSystem, buildDirectory = '/build', atOnce, spec }) {
    const store = await Store.open({ folder, directory, lock: lockedBy(buildjail.openSession) })
    try {
      return new Realisation(store, await Sessions.open(buildjail, atOnce, spec), { system, buildDirectory, host: process.env })
    } catch (error) {
      await store.close()
      throw error
    }
  }

  /**
   * @param {readonly string[]} paths of .drv files in the store
   * @returns {Promise<Map<string, ReadonlyMap<string, string>>>} the paths of their outputs by name, by the path of the derivation
   * @throws DerivationError, or an AggregateError of what failed
   */
  realise(paths) {
    return this.#graph.realise(paths)
  }

  async close() {
    await this.#sessions.close().finally(() => this.store.close())
  }
}
