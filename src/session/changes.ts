import fs, { type Stats } from 'node:fs'
import { promisify } from 'node:util'

import type { NativeEnvelope } from '../native/binding.ts'
import { invalid, readText } from '../spec/check.ts'
import { readable } from '../spec/messages.ts'
import { isThrownAway } from '../spec/outputs.ts'
import { isWithin } from '../spec/paths.ts'
import type { Mount, Plan } from '../spec/plan.ts'

/** What commands wrote in one overlay, or in the copy that stands for one. It goes with the session. Files, links and the like are counted; folders are not. */
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
/** In a copy, which has what was not changed as well. */
const mostCompared = 1_000_000
const mostFolders = 100
/** Looked at together. */
const mostAtOnce = 64

// To load node:fs/promises takes as long as to open a session, and `buildjail run --here` would load it for these alone.
const lstat = promisify(fs.lstat)
const opendir = promisify(fs.opendir)

/** Comes once nothing runs in the session any more. */
export async function changesIn(envelope: NativeEnvelope, mounts: readonly Mount[]): Promise<Changes[]> {
  const all = envelope.layers().map(async ({ target, path }) => {
    const { source = '', kind } = mounts.find((mount) => mount.target === target) ?? {}
    const points = new Set(mounts.filter((mount) => mount.target !== target && isWithin(mount.target, target)).map((mount) => mount.target.slice(target.length)))
    return await (kind === 'copy' ? new Comparing(target, source, path) : new Counting(target, source, path, points)).count()
  })
  return await Promise.all(all)
}

/**
 * The target of an overlay whose changes can be applied.
 * @param entry for the error
 */
export function refuseToApply({ mounts }: Plan, given: unknown, entry: string): string {
  const target = readText(given, entry)
  const mount = mounts.find((one) => one.target === target && isThrownAway(one))
  if (mount === undefined) throw invalid(entry, `${readable(target)} is no overlay of the session`)
  if (mount.kind !== 'overlay') throw invalid(entry, `${readable(target)} is a copy, because this host has no overlay for it, and a copy cannot be applied; make folders of it outputs`)
  return target
}

type Kind = 'added' | 'changed' | 'removed'

/** Walks the upper layer of an overlay (overlayfs.rst), of which the source is the lower one. A build chose the names, and follows none by a link. */
class Counting {
  readonly #target: string
  protected readonly source: string
  protected readonly top: string
  readonly #counts = { added: 0, changed: 0, removed: 0 }
  readonly #folders = new Map<string, number>()
  /** Where something else is mounted: opening made what is there. */
  readonly #points: ReadonlySet<string>
  #bytes = 0
  #left: number
  #isWhole = true

  constructor(target: string, source: string, top: string, points: ReadonlySet<string>, most: number = mostCounted) {
    this.#left = most
    this.#points = points
    this.#target = target
    this.source = source
    this.top = top
  }

  async count(): Promise<Changes> {
    // One folder after the other, as a build decides how many there are.
    for (const folders: Buffer[] = [Buffer.alloc(0)]; folders.length > 0 && this.#left > 0; ) await this.#countIn(folders.pop() as Buffer, folders)
    if (this.#left === 0) this.#isWhole = false
    const folders = [...this.#folders].map(([name, count]) => ({ name, count })).toSorted((a, b) => b.count - a.count)
    return { target: this.#target, source: this.source, ...this.#counts, bytes: this.#bytes, folders: folders.slice(0, mostFolders), isWhole: this.#isWhole }
  }

  async #countIn(folder: Buffer, folders: Buffer[]): Promise<void> {
    let some: Buffer[] = []
    const countSome = async (): Promise<void> => {
      await Promise.all(some.map((below) => this.#countOne(below, folders)))
      some = []
    }
    try {
      await this.enter(folder)
      for await (const name of namesIn(joined(this.top, folder))) {
        if (this.#left === 0) break
        this.#left -= 1
        some.push(Buffer.concat([folder, slash, name]))
        if (some.length === mostAtOnce) await countSome()
      }
    } catch {
      this.#isWhole = false
    }
    await countSome()
  }

  async #countOne(below: Buffer, folders: Buffer[]): Promise<void> {
    const status = await statusOf(joined(this.top, below))
    if (this.#points.has(below.toString())) return
    if (status === undefined) this.#isWhole = false
    else if (!this.isPart(status)) return
    else if (status.isDirectory()) folders.push(below)
    else {
      const kind = await this.kindOf(below, status)
      if (kind === undefined) return
      this.note(kind, below)
      if (status.isFile()) this.#bytes += status.size
    }
  }

  /** Comes before what is in the folder. */
  protected async enter(_folder: Buffer): Promise<void> {}

  /** Whether it is to be counted, or entered. */
  protected isPart(_status: Stats): boolean {
    return true
  }

  /** Undefined for what is as it was. */
  protected async kindOf(below: Buffer, status: Stats): Promise<Kind | undefined> {
    if (status.isCharacterDevice() && status.rdev === 0) return 'removed'
    return (await statusOf(joined(this.source, below))) === undefined ? 'added' : 'changed'
  }

  protected note(kind: Kind, below: Buffer): void {
    this.#counts[kind] += 1
    const parts = below.toString().split('/').slice(1)
    const name = parts.length > 1 ? (parts[0] as string) : '.'
    this.#folders.set(name, (this.#folders.get(name) ?? 0) + 1)
  }
}

/** Walks a copy beside the source, as that is by now. What is mounted in the copy is no part of it. */
class Comparing extends Counting {
  #device: number | undefined

  constructor(target: string, source: string, top: string) {
    super(target, source, top, new Set(), mostCompared)
  }

  override async count(): Promise<Changes> {
    this.#device = (await statusOf(joined(this.top, Buffer.alloc(0))))?.dev
    return await super.count()
  }

  protected override isPart({ dev }: Stats): boolean {
    return dev === this.#device
  }

  protected override async kindOf(below: Buffer, status: Stats): Promise<Kind | undefined> {
    const before = await statusOf(joined(this.source, below))
    if (before === undefined) return 'added'
    return toldOf(before) === toldOf(status) ? undefined : 'changed'
  }

  protected override async enter(folder: Buffer): Promise<void> {
    const before = joined(this.source, folder)
    if ((await statusOf(before))?.isDirectory() !== true) return
    for await (const name of namesIn(before)) {
      const below = Buffer.concat([folder, slash, name])
      if ((await isMissing(joined(this.top, below))) && isCopied(await statusOf(joined(this.source, below)))) this.note('removed', below)
    }
  }
}

/** Of what is neither, there is no copy. */
function isCopied(status: Stats | undefined): boolean {
  return status !== undefined && (status.isFile() || status.isDirectory() || status.isSymbolicLink())
}

/** What the copy of a file has of it (native/envelope/tree_copy.h), without reading it. */
function toldOf({ mode, size, mtimeMs }: Stats): string {
  return [mode & ~setIds, size, mtimeMs].join(' ')
}

/** inode(7), S_ISUID and S_ISGID. */
const setIds = 0o6000

/** Undefined where it cannot be looked at. */
async function statusOf(path: Buffer): Promise<Stats | undefined> {
  return await lstat(path).catch(() => undefined)
}

async function isMissing(path: Buffer): Promise<boolean> {
  return await lstat(path).then(() => false, (error: unknown) => (error as NodeJS.ErrnoException).code === 'ENOENT')
}

/** In bytes: a build may have made some that are no UTF-8. Not all of them at once: there may be millions. */
async function* namesIn(folder: Buffer): AsyncGenerator<Buffer> {
  const inBytes = { encoding: 'buffer' } as unknown as { readonly encoding: BufferEncoding }
  for await (const entry of await opendir(folder, inBytes)) {
    // Bun has nothing but the name then.
    yield Buffer.isBuffer(entry) ? entry : (entry.name as unknown as Buffer)
  }
}

const slash = Buffer.from('/')

function joined(top: string, below: Buffer): Buffer {
  return Buffer.concat([Buffer.from(top), below])
}
