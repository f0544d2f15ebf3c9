// A store is one program's at a time. A folder that a session writes to is lent to it until it is closed or its program has died. So a
// program that has a store keeps a session open that has the store's lock as its output, and runs nothing in it.
import { mkdir } from 'node:fs/promises'

import { openSession } from 'buildjail'

import { DerivationError } from './errors.ts'

export interface Lock {
  close(): Promise<void>
}

/** Milliseconds: a dead program's lock is held until its death was noticed. */
const wait = 2000

/**
 * For `Store.open`.
 * @throws DerivationError if another program has the store
 */
export async function lockOf(folder: string): Promise<Lock> {
  await mkdir(folder, { recursive: true })
  try {
    return await openSession({ name: 'store-lock', toolchain: 'none', outputs: { '/lock': folder }, wait })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error
    throw new DerivationError(`${folder}: the store is another program’s now`, { cause: error })
  }
}
