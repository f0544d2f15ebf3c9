import { lstatSync, type Stats } from 'node:fs'
import path from 'node:path'

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
