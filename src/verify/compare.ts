import { constants, type Stats } from 'node:fs'
import { chmod, lstat, open, readlink, type FileHandle } from 'node:fs/promises'

import { BuildjailError } from '../errors.ts'
import { inOneLine } from '../spec/messages.ts'
import { namesIn, pathText, within } from './byte-paths.ts'

/** A difference between what two builds left at one place of an output. */
export type FoundDifference =
  /** Only one of them has something there. */
  | { readonly kind: 'missing'; readonly place: Buffer; readonly values: Pair<string> }
  /** A file, a folder, a link, ... */
  | { readonly kind: 'type'; readonly place: Buffer; readonly values: Pair<string> }
  /** In octal. */
  | { readonly kind: 'mode'; readonly place: Buffer; readonly values: Pair<string> }
  /** What links lead to. */
  | { readonly kind: 'link'; readonly place: Buffer; readonly values: Pair<string> }
  | FoundContents

/** Two files whose bytes differ. */
export interface FoundContents {
  readonly kind: 'contents'
  readonly place: Buffer
  /** Of the first byte that differs, or that only one of them has. */
  readonly offset: number
  readonly sizes: Pair<number>
  /** The files, for whatever else is to be looked at. */
  readonly files: Pair<Buffer>
  readonly windows: Pair<Window>
}

export type Pair<T> = readonly [first: T, other: T]

/** Bytes of a file around an offset. */
export interface Window {
  /** Of its first byte, in the file. */
  readonly from: number
  readonly bytes: Buffer
}

/** What was compared, in all. */
export interface Counts {
  /** Files, folders and links, each once. */
  entries: number
  bytes: number
}

const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants
const chunkSize = 1024 * 1024
/** Bytes before the offset, and from it on. */
const windowSize = 512
/** It has the path, which may be long. */
const mostOfMessage = 300
/** Nobody can wait until larger holes are read. */
const mostHoles = 2 ** 40

/**
 * Compares two outputs: names, types, modes, what links lead to, and contents byte by byte. Time stamps, owners and extended attributes are not compared.
 * Nothing is followed and nothing is opened but regular files, so a fifo or a device that a build has made does nothing. Only this program may change them meanwhile.
 * @param found is told each difference, by its place from the output's folder on
 * @throws BuildjailError where something cannot be compared
 */
export async function compareOutputs(folders: Pair<string>, found: (difference: FoundDifference) => void | Promise<void>, counts: Counts, signal?: AbortSignal): Promise<void> {
  const compare = async (place: Buffer, both: Pair<Buffer>): Promise<void> => {
    signal?.throwIfAborted()
    const stats = await pairOf(both, (one) => lstat(one))
    const types = mapped(stats, typeOf)
    counts.entries += 1
    if (types[0] !== types[1]) return await found({ kind: 'type', place, values: types })
    const modes = mapped(stats, ({ mode }) => (mode & 0o7777).toString(8).padStart(4, '0'))
    if (types[0] !== 'link' && modes[0] !== modes[1]) await found({ kind: 'mode', place, values: modes })
    if (types[0] === 'link') {
      const links = await pairOf(both, (one) => readlink(one, 'buffer'))
      if (!links[0].equals(links[1])) await found({ kind: 'link', place, values: mapped(links, pathText) })
    }
    if (types[0] === 'file') {
      const difference = await compareFiles(place, both, stats, counts, signal)
      if (difference !== undefined) await found(difference)
    }
    if (types[0] === 'folder') await asReadable(both[0], stats[0], 0o700, () => asReadable(both[1], stats[1], 0o700, () => folder(place, both)))
  }
  const folder = async (place: Buffer, both: Pair<Buffer>): Promise<void> => {
    const [first, other] = mapped(await pairOf(both, namesIn), (names) => new Map(names.map((name) => [name.toString('latin1'), name])))
    for (const key of [...new Set([...first.keys(), ...other.keys()])].sort()) {
      const name = (first.get(key) ?? other.get(key)) as Buffer
      const inside = place.length === 0 ? name : within(place, name)
      const paths = mapped(both, (one) => within(one, name))
      if (first.has(key) && other.has(key)) await compare(inside, paths)
      else {
        const there = typeOf(await lstat(paths[first.has(key) ? 0 : 1]))
        await found({ kind: 'missing', place: inside, values: first.has(key) ? [there, 'nothing'] : ['nothing', there] })
      }
    }
  }
  try {
    await compare(Buffer.alloc(0), mapped(folders, (one) => Buffer.from(one)))
  } catch (error) {
    signal?.throwIfAborted()
    const { code = '', errno, syscall, message } = error as NodeJS.ErrnoException
    if (error instanceof BuildjailError || errno === undefined) throw error
    throw new BuildjailError(code, inOneLine(`the outputs cannot be compared: ${message.slice(0, mostOfMessage)}`), { errno, ...(syscall && { syscall }), step: 'compare', cause: error })
  }
}

/**
 * Does something with a file or a folder that its owner may have no rights to, as builds leave them.
 * @param rights of the owner, that it needs
 */
async function asReadable<T>(path: Buffer, { mode }: Stats, rights: number, act: () => Promise<T>): Promise<T> {
  if ((mode & rights) === rights || process.geteuid?.() === 0) return await act()
  await chmod(path, (mode & 0o7777) | rights)
  try {
    return await act()
  } finally {
    await chmod(path, mode & 0o7777)
  }
}

async function compareFiles(place: Buffer, files: Pair<Buffer>, stats: Pair<Stats>, counts: Counts, signal: AbortSignal | undefined): Promise<FoundContents | undefined> {
  const sizes = mapped(stats, ({ size }) => size)
  for (const { size, blocks } of stats) {
    if (size - blocks * 512 > mostHoles) throw new BuildjailError('EFBIG', inOneLine(`the outputs cannot be compared: ${pathText(place)} has ${size} bytes, and holes for most of them`), { step: 'compare' })
  }
  const opened = await pairOf(files, (file, index) => asReadable(file, stats[index], 0o400, () => open(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)))
  try {
    const offset = await firstDifference(opened, counts, signal)
    if (offset === undefined) return undefined
    const windows = await pairOf(opened, async (file) => {
      const from = Math.max(offset - windowSize, 0)
      return { from, bytes: await bytesAt(file, from, offset - from + windowSize) }
    })
    return { kind: 'contents', place, offset, sizes, files, windows }
  } finally {
    for (const file of opened) await file.close()
  }
}

/** The offset of the first byte that differs. Undefined if there is none. */
async function firstDifference(files: Pair<FileHandle>, counts: Counts, signal: AbortSignal | undefined): Promise<number | undefined> {
  for (let at = 0; ; at += chunkSize) {
    signal?.throwIfAborted()
    const [first, other] = await pairOf(files, (file) => bytesAt(file, at, chunkSize))
    counts.bytes += first.length
    if (!first.equals(other)) return at + sameBytes(first, other)
    if (first.length < chunkSize) return undefined
  }
}

/** How many bytes both begin with. */
function sameBytes(first: Buffer, other: Buffer): number {
  const least = Math.min(first.length, other.length)
  for (let at = 0; at < least; at += 1) if (first[at] !== other[at]) return at
  return least
}

/** As many bytes as there are, up to `size`. */
export async function bytesAt(file: FileHandle, from: number, size: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(size)
  let length = 0
  while (length < size) {
    const { bytesRead } = await file.read(bytes, length, size - length, from + length)
    if (bytesRead === 0) break
    length += bytesRead
  }
  return bytes.subarray(0, length)
}

function typeOf(stats: Stats): string {
  if (stats.isFile()) return 'file'
  if (stats.isDirectory()) return 'folder'
  if (stats.isSymbolicLink()) return 'link'
  if (stats.isFIFO()) return 'fifo'
  return stats.isSocket() ? 'socket' : 'device'
}

function mapped<From, To>([first, other]: Pair<From>, change: (one: From) => To): Pair<To> {
  return [change(first), change(other)]
}

async function pairOf<From, To>([first, other]: Pair<From>, change: (one: From, index: 0 | 1) => Promise<To>): Promise<Pair<To>> {
  return [await change(first, 0), await change(other, 1)]
}
