import { availableParallelism } from 'node:os'

/** @typedef {import('../../src/index.ts').Additions} Additions */

/**
 * The sessions of builders: what all of them have is in a pool, made before it is wanted. A fixed output may come from the network,
 * as what comes is known; its session is of its own.
 */
export class Sessions {
  #openSession
  #pool
  #base
  /** How many processors a builder may count on. */
  cores = availableParallelism()

  /**
   * @param {typeof import('../../src/index.ts').openSession} openSession
   * @param {import('../../src/index.ts').SessionPool} pool
   * @param {import('../../src/index.ts').Spec} base
   */
  constructor(openSession, pool, base) {
    this.#openSession = openSession
    this.#pool = pool
    this.#base = base
  }

  /**
   * @param {Pick<typeof import('../../src/index.ts'), 'openSession' | 'SessionPool'>} buildjail
   * @param {number} [atOnce] how many builders there are at the same time, besides those of fixed outputs
   * @param {import('../../src/index.ts').Spec} [more] of each session, such as `limits`, or `toolchain: 'none'` where all is in the store
   */
  static async open({ openSession, SessionPool }, atOnce = availableParallelism(), more = {}) {
    const base = { name: 'derivation', toolchain: 'host', ...more }
    return new Sessions(openSession, await SessionPool.open(base, { size: atOnce, maxSessions: atOnce }), base)
  }

  /**
   * @param {Additions} additions
   * @param {{ isFixed: boolean }} output
   */
  acquire(additions, { isFixed }) {
    return isFixed ? this.#openSession({ ...this.#base, ...additions, network: 'host' }) : this.#pool.acquire(additions)
  }

  close() {
    return this.#pool.close()
  }
}
