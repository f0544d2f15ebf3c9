import { lstat, opendir } from 'node:fs/promises'

import type { NativeEnvelope } from '../native/binding.ts'
import type { Mount } from '../spec/plan.ts'

/** What commands wrote in one overlay, all of which goes with the session. Files are counted, and links and the like with them; folders are not. */
export interface Changes {
  /** Of the overlay, in the session. */
  readonly target: string
  /** On the host. */
  readonly source: string
  readonly added: number
  /** Files of the source that were written to, or whose mode or times were set. */
  readonly changed: number
  /** Files and folders of the source, each folder once. */
  readonly removed: number
  /** The size of the files that were added or changed. */
  readonly bytes: number
  /** The folders in it in which that happened, by the first part of their path, most first; at most `mostFolders`. */
  readonly folders: readonly { readonly name: string; readonly count: number }[]
  /** False where there is more than was counted: over `mostCounted`, or where a path is too long. */
  readonly isWhole: boolean
}

const mostCounted = 100_000
const mostFolders = 100
/** Looked at together. */
const mostAtOnce = 64

/** Comes once nothing runs in the session any more. */
export async function changesIn(envelope: NativeEnvelope, mounts: readonly Mount[]): Promise<Changes[]> {
  const all = envelope.layers().map(async ({ target, path }) => {
    const { source = '' } = mounts.find((mount) => mount.target === target) ?? {}
    return await new Counting(target, source, path).count()
  })
  return await Promise.all(all)
}

/** Walks the upper layer of an overlay (overlayfs.rst), of which the source is the lower one. A build chose the names, and follows none by a link. */
class Counting {
  readonly #target: string
  readonly #source: string
  readonly #top: string
  readonly #counts = { added: 0, changed: 0, removed: 0 }
  readonly #folders = new Map<string, number>()
  #bytes = 0
  #left = mostCounted
  #isWhole = true

  constructor(target: string, source: string, top: string) {
    this.#target = target
    this.#source = source
    this.#top = top
  }

  async count(): Promise<Changes> {
    // One folder after the other, as a build decides how many there are.
    for (const folders: Buffer[] = [Buffer.alloc(0)]; folders.length > 0 && this.#left > 0; ) await this.#countIn(folders.pop() as Buffer, folders)
    if (this.#left === 0) this.#isWhole = false
    const folders = [...this.#folders].map(([name, count]) => ({ name, count })).toSorted((a, b) => b.count - a.count)
    return { target: this.#target, source: this.#source, ...this.#counts, bytes: this.#bytes, folders: folders.slice(0, mostFolders), isWhole: this.#isWhole }
  }

  async #countIn(folder: Buffer, folders: Buffer[]): Promise<void> {
    let some: Buffer[] = []
    const countSome = async (): Promise<void> => {
      await Promise.all(some.map((below) => this.#countOne(below, folders)))
      some = []
    }
    try {
      // Not all names at once: there may be millions.
      for await (const { name } of await opendir(joined(this.#top, folder), inBytes)) {
        if (this.#left === 0) break
        this.#left -= 1
        some.push(Buffer.concat([folder, slash, name as unknown as Buffer]))
        if (some.length === mostAtOnce) await countSome()
      }
    } catch {
      this.#isWhole = false
    }
    await countSome()
  }

  async #countOne(below: Buffer, folders: Buffer[]): Promise<void> {
    const status = await lstat(joined(this.#top, below)).catch(() => undefined)
    if (status === undefined) this.#isWhole = false
    else if (status.isDirectory()) folders.push(below)
    else {
      this.#note(await this.#kindOf(below, status.isCharacterDevice() && status.rdev === 0), below)
      if (status.isFile()) this.#bytes += status.size
    }
  }

  async #kindOf(below: Buffer, isMark: boolean): Promise<'added' | 'changed' | 'removed'> {
    if (isMark) return 'removed'
    return (await lstat(joined(this.#source, below)).catch(() => undefined)) === undefined ? 'added' : 'changed'
  }

  #note(kind: 'added' | 'changed' | 'removed', below: Buffer): void {
    this.#counts[kind] += 1
    const parts = below.toString().split('/').slice(1)
    const name = parts.length > 1 ? (parts[0] as string) : '.'
    this.#folders.set(name, (this.#folders.get(name) ?? 0) + 1)
  }
}

/** Of names too: a build may have made some that are no UTF-8. */
const inBytes = { encoding: 'buffer' } as unknown as { readonly encoding: BufferEncoding }
const slash = Buffer.from('/')

function joined(top: string, below: Buffer): Buffer {
  return Buffer.concat([Buffer.from(top), below])
}
