// A store is one program's at a time. What a session writes to is its own until it is closed or its program has died, for every
// program of the host. So a program that has a store keeps a session open that has the store's lock as its output, and runs nothing in it.
import { mkdir } from 'node:fs/promises'

import { DerivationError } from './errors.mjs'

/** Milliseconds: a dead program's lock is held until its death was noticed. */
const wait = 2000

/**
 * @param {typeof import('../../src/index.ts').openSession} openSession
 * @returns {(folder: string) => Promise<{ close(): Promise<void> }>} for `Store.open`
 * @throws DerivationError where another program has the store
 */
export function lockedBy(openSession) {
  return async (folder) => {
    await mkdir(folder, { recursive: true })
    try {
      return await openSession({ name: 'store-lock', toolchain: 'none', outputs: { '/lock': folder }, wait })
    } catch (error) {
      if (error.code !== 'EBUSY') throw error
      throw new DerivationError(`${folder}: the store is another program’s now`, { cause: error })
    }
  }
}
