import { closeSync, constants, fstatSync, openSync, type Stats } from 'node:fs'
import { chmod, copyFile, lchown, link, lstat, lutimes, mkdir, readlink, symlink, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'

import type { Identity } from '../spec/plan-types.ts'
import { namesIn, pathText, within } from './byte-paths.ts'
import { exchangeableFrom, isExchangeable } from './exchangeable.ts'

/** Why there is no copy of an input. */
export class NotCopiedError extends Error {}

/** What all copies of inputs may still take together. */
export interface Room {
  bytes: number
  entries: number
}

export interface CopyOptions {
  /** Seconds that are added to each time stamp of a file, a folder or a link. */
  readonly shift: (newest: number) => number
  /** The order in which the entries of a folder are made, of the order in which its source lists them. */
  readonly arrange: (names: readonly Buffer[]) => readonly Buffer[]
  /** Places in the input, from its folder on, that something else is mounted at: only the place is made. */
  readonly covered: ReadonlySet<string>
  readonly room: Room
  readonly signal?: AbortSignal | undefined
}

/** What became of a copy. */
export interface Copied {
  /** Folders with two or more entries. */
  readonly ordered: number
  /** Those of them that list their entries in another order than their source. */
  readonly reordered: number
  /** Seconds that were added. */
  readonly shifted: number
}

const { COPYFILE_EXCL, COPYFILE_FICLONE, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants
const isLinux = process.platform === 'linux'

/**
 * Copies an input, a folder or a file: contents, links, names of one file, modes, times, and owners where the caller is root. Extended attributes are
 * not copied. No link is followed, and another user who can write there cannot make it copy anything else.
 * @param copy is made
 * @throws NotCopiedError where it is larger than the room, or has something in it that cannot be copied, Error
 */
export async function copyInput(source: string, identity: Identity | undefined, copy: string, options: CopyOptions): Promise<Copied> {
  const exchangeable = isLinux ? undefined : exchangeableFrom(path.dirname(source))
  if (exchangeable !== undefined) throw new NotCopiedError(`another user can exchange what is in ${exchangeable}`)
  return await new InputCopy(options).copy(Buffer.from(source), identity, Buffer.from(copy))
}

class InputCopy {
  readonly #options: CopyOptions
  /** By device and inode, of files with several names: the first copy. */
  readonly #linked = new Map<string, Buffer>()
  /** Times are set when the newest is known. Folders come after what is in them. */
  readonly #times: { readonly at: Buffer; readonly stats: Stats }[] = []
  #ordered = 0
  #reordered = 0

  constructor(options: CopyOptions) {
    this.#options = options
  }

  async copy(source: Buffer, identity: Identity | undefined, copy: Buffer): Promise<Copied> {
    // defence: copied-input-no-link
    const fd = openSync(source, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    try {
      const stats = fstatSync(fd)
      const { dev, ino } = fstatSync(fd, { bigint: true })
      // defence: copied-input-that-planned
      if (identity !== undefined && (identity.dev !== String(dev) || identity.ino !== String(ino))) throw new NotCopiedError('it was exchanged after the plan was made')
      if (stats.isDirectory()) await this.#folder(fd, source, stats, copy, '')
      else await this.#file(fd, source, stats, copy)
    } finally {
      closeSync(fd)
    }
    return { ordered: this.#ordered, reordered: this.#reordered, shifted: await this.#setTimes() }
  }

  async #folder(fd: number, source: Buffer, stats: Stats, copy: Buffer, place: string): Promise<void> {
    if (!isLinux && isExchangeable(stats)) throw new NotCopiedError(`another user can exchange what is in ${pathText(source)}`)
    // An open folder cannot be exchanged for another.
    // defence: copied-folder-held
    const held = isLinux ? Buffer.from(`/proc/self/fd/${fd}`) : source
    await mkdir(copy, 0o700)
    const names = await namesIn(held)
    for (const name of this.#options.arrange(names)) await this.#entry(within(held, name), within(source, name), within(copy, name), place === '' ? name.toString('latin1') : `${place}/${name.toString('latin1')}`)
    if (names.length > 1) {
      this.#ordered += 1
      const listed = await namesIn(copy)
      if (listed.some((name, index) => !name.equals(names[index] as Buffer))) this.#reordered += 1
    }
    await this.#finish(copy, stats)
  }

  /** @param held its path by the folder that is open */
  async #entry(held: Buffer, source: Buffer, copy: Buffer, place: string): Promise<void> {
    const { room, signal, covered } = this.#options
    signal?.throwIfAborted()
    const stats = await lstat(held)
    room.entries -= 1
    if (covered.has(place)) return await this.#place(copy, stats)
    if (stats.isSymbolicLink()) {
      await symlink(await readlink(held, 'buffer'), copy)
      if (process.geteuid?.() === 0) await lchown(copy, stats.uid, stats.gid)
      this.#times.push({ at: copy, stats })
      return
    }
    if (!stats.isDirectory() && !stats.isFile()) throw new NotCopiedError(`${pathText(source)} is neither a file nor a folder nor a link`)
    const fd = openSync(held, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | (stats.isDirectory() ? O_DIRECTORY : 0))
    try {
      const opened = fstatSync(fd)
      if (opened.isDirectory()) await this.#folder(fd, source, opened, copy, place)
      else await this.#file(fd, source, opened, copy)
    } finally {
      closeSync(fd)
    }
  }

  async #place(copy: Buffer, stats: Stats): Promise<void> {
    if (stats.isDirectory()) await mkdir(copy)
    else await writeFile(copy, '')
    await this.#finish(copy, stats)
  }

  async #file(fd: number, source: Buffer, stats: Stats, copy: Buffer): Promise<void> {
    const { room } = this.#options
    if (!stats.isFile()) throw new NotCopiedError(`${pathText(source)} is no regular file`)
    const key = `${stats.dev}:${stats.ino}`
    const first = this.#linked.get(key)
    if (first !== undefined) return await link(first, copy)
    if (stats.nlink > 1) this.#linked.set(key, copy)
    room.bytes -= stats.size
    if (room.bytes < 0 || room.entries < 0) throw new NotCopiedError('there is too much in it to be copied')
    // The copy may share the blocks of its source (ioctl_ficlonerange(2)).
    await copyFile(isLinux ? `/proc/self/fd/${fd}` : source, copy, COPYFILE_EXCL | COPYFILE_FICLONE)
    await this.#finish(copy, stats)
  }

  async #finish(copy: Buffer, stats: Stats): Promise<void> {
    if (process.geteuid?.() === 0) await lchown(copy, stats.uid, stats.gid)
    await chmod(copy, stats.mode & 0o7777)
    this.#times.push({ at: copy, stats })
  }

  async #setTimes(): Promise<number> {
    const newest = this.#times.reduce((time, { stats }) => Math.max(time, stats.mtimeMs), 0) / 1000
    const shift = this.#options.shift(newest)
    for (const { at, stats } of this.#times) {
      const set = stats.isSymbolicLink() ? lutimes : utimes
      await set(at, stats.atimeMs / 1000, Math.max(stats.mtimeMs / 1000 + shift, 0))
    }
    return shift
  }
}
