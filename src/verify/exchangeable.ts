import { lstatSync, type Stats } from 'node:fs'
import path from 'node:path'

import { invalid } from '../spec/check.ts'

/** Whether another user than the caller and root can exchange what is in a folder. */
export function isExchangeable({ uid, mode }: Pick<Stats, 'uid' | 'mode'>): boolean {
  // In a folder with the sticky bit each user removes only what is that user's own (inode(7)).
  const isShared = (mode & 0o022) !== 0 && (mode & 0o1000) === 0
  return isShared || (uid !== 0 && uid !== process.geteuid?.())
}

/** The nearest folder, from `folder` up to the root, in which another user can exchange something. Undefined if there is none. */
export function exchangeableFrom(folder: string): string | undefined {
  if (isExchangeable(lstatSync(folder))) return folder
  return folder === '/' ? undefined : exchangeableFrom(path.dirname(folder))
}

/**
 * Root removes and reads what is in a folder of its own by its path, which must not lead elsewhere by then.
 * @throws SpecError naming the entry, where another user can exchange something on the way to a folder
 */
export function refuseExchangeable(folder: string, entry: string): void {
  const exchangeable = exchangeableFrom(folder)
  // defence: scratch-not-exchanged
  if (exchangeable !== undefined) throw invalid(entry, `another user can exchange what is in ${exchangeable}; name a folder where none can`)
}
