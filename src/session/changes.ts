import fs, { type Stats } from 'node:fs'
import { promisify } from 'node:util'

import type { NativeEnvelope } from '../native/binding.ts'
import { invalid, readText } from '../spec/check.ts'
import { readable } from '../spec/messages.ts'
import { isThrownAway } from '../spec/outputs.ts'
import { isWithin } from '../spec/paths.ts'
import type { Mount, Plan } from '../spec/plan.ts'

/**
 * What commands did in one overlay, or in the copy that stands for one. It is lost with the session. Counted are files, links and the like, and folders that
 * were added, removed or given another mode. A folder in place of a file, or a file in place of a folder, counts as one added and one removed.
 */
export interface Changes {
  /** The overlay's path in the session. */
  readonly target: string
  /** On the host. */
  readonly source: string
  /** Every new folder, and every file in it. */
  readonly added: number
  /** Files of the source that were written to or replaced, or whose mode or times were set, and folders whose mode was set. */
  readonly changed: number
  /** Files and folders of the source. A folder counts once, with all that was in it. Of a folder that was removed and made again, what it lacks now counts. */
  readonly removed: number
  /** The size of the files that were added or changed. */
  readonly bytes: number
  /** The topmost folders in which something changed, with the number of changes, most first; at most 100. */
  readonly folders: readonly { readonly name: string; readonly count: number }[]
  /** False if not all was counted: there are over 100,000 things in an overlay or 1,000,000 in a copy, or a path is too long. */
  readonly isWhole: boolean
}

const mostCounted = 100_000
/** In a copy, which also has what was not changed. */
const mostCompared = 1_000_000
const mostFolders = 100
/** How many are looked at together. */
const mostAtOnce = 64

// To load node:fs/promises takes as long as to open a session, and `buildjail run --here` would load it for these alone.
const lstat = promisify(fs.lstat)
const opendir = promisify(fs.opendir)

/** Call it once nothing runs in the session any more. */
export async function changesIn(envelope: NativeEnvelope, mounts: readonly Mount[]): Promise<Changes[]> {
  const all = envelope.layers().map(async ({ target, path }) => {
    const { source = '', kind } = mounts.find((mount) => mount.target === target) ?? {}
    const points = mounts.filter((mount) => mount.target !== target && isWithin(mount.target, target)).map((mount) => mount.target.slice(target.length))
    const layer = { target, source, top: path, points: new Set(points), waysToPoints: new Set(points.flatMap(foldersAround)) }
    return await (kind === 'copy' ? new Comparing(layer) : new Counting(layer, envelope)).count()
  })
  return await Promise.all(all)
}

/** Of `/a/b/c`: `/a` and `/a/b`. */
function foldersAround(point: string): string[] {
  return [...point.matchAll(/\//g)].map(({ index }) => point.slice(0, index)).filter((folder) => folder !== '')
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

interface CountedLayer {
  readonly target: string
  readonly source: string
  readonly top: string
  /** Where something else is mounted: opening made what is there, and the folders on the way that the source lacks. */
  readonly points: ReadonlySet<string>
  readonly waysToPoints: ReadonlySet<string>
}

interface Folder {
  readonly below: Buffer
  /** The source has a folder there too, and no link to one. */
  readonly isInSource: boolean
  /** Nothing of the source is seen in it, nor in the folders in it. */
  readonly isOpaque: boolean
}

/** Walks the upper layer of an overlay (overlayfs.rst), or a copy. A build chose the names; the walk follows no link. */
abstract class Walking {
  protected readonly layer: CountedLayer
  readonly #counts = { added: 0, changed: 0, removed: 0 }
  readonly #folders = new Map<string, number>()
  #bytes = 0
  #left: number
  #isWhole = true

  constructor(layer: CountedLayer, most: number) {
    this.layer = layer
    this.#left = most
  }

  async count(): Promise<Changes> {
    const { target, source } = this.layer
    // One folder after the other, as a build decides how many there are.
    for (const folders: Folder[] = [{ below: Buffer.alloc(0), isInSource: true, isOpaque: false }]; folders.length > 0 && this.#left > 0; ) await this.#countIn(folders.pop() as Folder, folders)
    if (this.#left === 0) this.#isWhole = false
    const folders = [...this.#folders].map(([name, count]) => ({ name, count })).toSorted((a, b) => b.count - a.count)
    return { target, source, ...this.#counts, bytes: this.#bytes, folders: folders.slice(0, mostFolders), isWhole: this.#isWhole }
  }

  async #countIn(found: Folder, folders: Folder[]): Promise<void> {
    let some: Buffer[] = []
    let folder = found
    const countSome = async (): Promise<void> => {
      await Promise.all(some.map((below) => this.#countOne(below, folder, folders)))
      some = []
    }
    try {
      if (folder.isInSource && !folder.isOpaque) folder = { ...folder, isOpaque: await this.isOpaque(folder.below) }
      if (folder.isInSource && folder.isOpaque) await this.#countMissing(folder.below)
      for await (const name of namesIn(joined(this.layer.top, folder.below))) {
        if (this.#left === 0) break
        this.#left -= 1
        some.push(Buffer.concat([folder.below, slash, name]))
        if (some.length === mostAtOnce) await countSome()
      }
    } catch {
      this.#isWhole = false
    }
    await countSome()
  }

  async #countMissing(folder: Buffer): Promise<void> {
    for await (const name of namesIn(joined(this.layer.source, folder))) {
      if (this.#left === 0) break
      const below = Buffer.concat([folder, slash, name])
      if (!(await isMissing(joined(this.layer.top, below))) || !this.wasThere(await statusOf(joined(this.layer.source, below)))) continue
      this.#left -= 1
      this.#note('removed', below)
    }
  }

  async #countOne(below: Buffer, { isInSource, isOpaque }: Folder, folders: Folder[]): Promise<void> {
    const { top, source, points, waysToPoints } = this.layer
    const status = await statusOf(joined(top, below))
    if (points.has(below.toString())) return
    if (status === undefined) this.#isWhole = false
    if (status === undefined || !this.isPart(status)) return
    const before = isInSource ? await statusOf(joined(source, below)) : undefined
    if (status.isDirectory()) folders.push({ below, isInSource: before?.isDirectory() === true, isOpaque })
    if (before === undefined && waysToPoints.has(below.toString())) return
    const kinds = this.kindsOf(status, before)
    for (const kind of kinds) this.#note(kind, below)
    if (status.isFile() && kinds.length > 0) this.#bytes += status.size
  }

  protected abstract isOpaque(folder: Buffer): Promise<boolean>

  /** Whether a session saw what the source has. */
  protected wasThere(before: Stats | undefined): boolean {
    return before !== undefined
  }

  /** Whether it is to be counted, or entered. */
  protected isPart(_status: Stats): boolean {
    return true
  }

  /** Empty for what is unchanged. */
  protected kindsOf(status: Stats, before: Stats | undefined): readonly Kind[] {
    if (before === undefined) return ['added']
    if (status.isDirectory() !== before.isDirectory()) return ['added', 'removed']
    return (status.isDirectory() ? modeOf(status) !== modeOf(before) : this.isChanged(status, before)) ? ['changed'] : []
  }

  /** For what is not a folder. */
  protected isChanged(_status: Stats, _before: Stats): boolean {
    return true
  }

  #note(kind: Kind, below: Buffer): void {
    this.#counts[kind] += 1
    const parts = below.toString().split('/').slice(1)
    const name = parts.length > 1 ? (parts[0] as string) : '.'
    this.#folders.set(name, (this.#folders.get(name) ?? 0) + 1)
  }
}

/** Walks the upper layer of an overlay, of which the source is the lower one. */
class Counting extends Walking {
  readonly #envelope: NativeEnvelope

  constructor(layer: CountedLayer, envelope: NativeEnvelope) {
    super(layer, mostCounted)
    this.#envelope = envelope
  }

  protected override async isOpaque(folder: Buffer): Promise<boolean> {
    return await this.#envelope.isOpaque(this.layer.target, folder)
  }

  protected override kindsOf(status: Stats, before: Stats | undefined): readonly Kind[] {
    return status.isCharacterDevice() && status.rdev === 0 ? ['removed'] : super.kindsOf(status, before)
  }
}

/** Walks a copy and compares it with the source as the source is now. What is mounted in the copy is not part of it. */
class Comparing extends Walking {
  #device: number | undefined

  constructor(layer: CountedLayer) {
    super(layer, mostCompared)
  }

  override async count(): Promise<Changes> {
    this.#device = (await statusOf(joined(this.layer.top, Buffer.alloc(0))))?.dev
    return await super.count()
  }

  protected override isPart({ dev }: Stats): boolean {
    return dev === this.#device
  }

  protected override async isOpaque(): Promise<boolean> {
    return true
  }

  protected override wasThere(before: Stats | undefined): boolean {
    return isCopied(before)
  }

  protected override isChanged(status: Stats, before: Stats): boolean {
    return toldOf(before) !== toldOf(status)
  }
}

/** Opening copies nothing else. */
function isCopied(status: Stats | undefined): boolean {
  return status !== undefined && (status.isFile() || status.isDirectory() || status.isSymbolicLink())
}

/** What a copy has of the file's status (native/envelope/tree_copy.h), without reading the file. */
function toldOf({ mode, size, mtimeMs }: Stats): string {
  return [modeOf({ mode }), size, mtimeMs].join(' ')
}

/** inode(7), S_ISUID and S_ISGID. */
const setIds = 0o6000

function modeOf({ mode }: Pick<Stats, 'mode'>): number {
  return mode & ~setIds
}

/** Undefined where it cannot be looked at. */
async function statusOf(path: Buffer): Promise<Stats | undefined> {
  return await lstat(path).catch(() => undefined)
}

async function isMissing(path: Buffer): Promise<boolean> {
  return await lstat(path).then(() => false, (error: unknown) => (error as NodeJS.ErrnoException).code === 'ENOENT')
}

/** In bytes: a build may have made names that are not UTF-8. Not all of them at once: there may be millions. */
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
