import { isUtf8 } from 'node:buffer'
import { lstat, readlink } from 'node:fs/promises'
import type { BigIntStats } from 'node:fs'
import nodePath from 'node:path'

import { TraceError } from '../errors.ts'
import { parentsOf } from '../spec/paths.ts'
import type { RecordedFiles, RecordedUse } from './seen-files.ts'

/** Where a path of a session leads to. */
export interface ShownPath {
  /** In the session, without links. */
  readonly path: string
  /** On the host. Undefined for what is in no entry that shows the host. */
  readonly source: string | undefined
  /** The entry that it is in. */
  readonly entry: RecordedUse | undefined
  /** Of the source. Undefined if it is missing, or shows nothing of the host. */
  readonly stats: BigIntStats | undefined
  /** Where the kernel looks no further, and why. Undefined if something is there. */
  readonly stopped: Stopped | undefined
  /** An input excludes it: the session has something empty there. */
  readonly isExcluded: boolean
  /** The path itself is a link: that was found, whatever it leads to. */
  readonly isLink: boolean
  /** The texts of the links that were followed. */
  readonly links: readonly string[]
  /** Of the folders on the way, which let a build pass or not. */
  readonly modes: readonly number[]
  /** When it, or a folder or a link on the way, was last changed: nanoseconds since 1970. A folder that was renamed was changed. */
  readonly changedNs: bigint
}

export interface Stopped {
  readonly at: string
  readonly code: string
}

/** One path, without following it if it is a link. */
type Looked = Pick<ShownPath, 'path' | 'source' | 'entry' | 'stats' | 'stopped'>

/** As the kernel has it (path_resolution(7)). */
const mostLinks = 40
/** NAME_MAX of both systems, in bytes (limits.h(0p)). */
const longestName = 255

/** Looks up paths of a session on the host, by the entries of its plan. A link leads where it leads in the session, and never elsewhere on the host. */
export class ShownPaths {
  readonly #entries: ReadonlyMap<string, RecordedUse>
  readonly #excluded: ReadonlySet<string>
  readonly #links: ReadonlyMap<string, string>

  constructor({ entries, links = [] }: RecordedFiles) {
    const isEmpty = ({ kind }: RecordedUse): boolean => kind === 'empty'
    this.#entries = new Map(entries.filter((entry) => !isEmpty(entry)).map((entry) => [entry.target, entry]))
    this.#excluded = new Set(entries.filter(isEmpty).map(({ target }) => target))
    this.#links = new Map(links.map(({ path, target }) => [path, target]))
  }

  /**
   * @param path in the session, absolute
   * @throws TraceError if the text of a link is not UTF-8; Error of lstat(2) or readlink(2), except those for a missing path
   */
  async find(path: string): Promise<ShownPath> {
    let names = namesOf(path)
    /** How many of them are of links. */
    let ofLinks = 0
    let at = ''
    let isLink = false
    let changedNs = 0n
    const links: string[] = []
    const modes: number[] = []
    const shown = (looked: Looked, more: Partial<ShownPath> = {}): ShownPath => ({ ...looked, isExcluded: false, isLink, links, modes, changedNs, ...more })
    const look = async (one: string): Promise<Looked> => {
      const looked = await this.#at(one)
      // The session shows nothing of it.
      if (this.#excluded.has(one)) return looked
      if (looked.stats !== undefined && looked.stats.ctimeNs > changedNs) changedNs = looked.stats.ctimeNs
      if (looked.stats?.isDirectory() === true) modes.push(Number(looked.stats.mode & 0o7777n))
      return looked
    }
    const stop = (looked: Looked, code: string): ShownPath => shown({ ...looked, path: [looked.path, ...names].join('/'), stats: undefined, stopped: { at: looked.path, code } })
    let found: Looked = this.#unlooked('/')
    while (names.length > 0) {
      const [name = '', ...rest] = names
      names = rest
      const isOwn = ofLinks === 0
      if (!isOwn) ofLinks -= 1
      if (name === '..') {
        if (found.stats?.isDirectory() === false) return stop(found, 'ENOTDIR')
        at = at.slice(0, Math.max(at.lastIndexOf('/'), 0))
        continue
      }
      at = `${at}/${name}`
      found = await look(at)
      if (found.stopped !== undefined) return stop(found, found.stopped.code)
      if (this.#excluded.has(at)) return names.length === 0 ? shown(found, { isExcluded: true }) : stop(found, found.stats?.isDirectory() === true ? 'ENOENT' : 'ENOTDIR')
      const text = await this.#textOf(found)
      if (text === undefined) continue
      if (names.length === 0 && isOwn) isLink = true
      if (links.length >= mostLinks) return stop(found, 'ELOOP')
      links.push(text)
      at = text.startsWith('/') ? '' : at.slice(0, at.lastIndexOf('/'))
      const more = namesOf(text)
      ofLinks += more.length
      names = [...more, ...names]
      found = await look(at === '' ? '/' : at)
    }
    // After `..`, the last that was looked at is another.
    return shown(found.path === at ? found : await look(at === '' ? '/' : at))
  }

  async #at(path: string): Promise<Looked> {
    const unlooked = this.#unlooked(path)
    if (unlooked.source === undefined) return unlooked
    const looked = await lstatIfThere(unlooked.source)
    return typeof looked === 'string' ? { ...unlooked, stopped: { at: path, code: looked } } : { ...unlooked, stats: looked }
  }

  #unlooked(path: string): Looked {
    const target = [path, ...parentsOf(path)].find((one) => this.#entries.has(one))
    const entry = target === undefined ? undefined : this.#entries.get(target)
    const source = entry?.source === undefined ? undefined : `${entry.source}${path.slice(entry.target.length)}`
    return { path, source, entry, stats: undefined, stopped: undefined }
  }

  /** That of a link; undefined for anything else. */
  async #textOf({ path, source, stats, entry }: Looked): Promise<string | undefined> {
    const own = this.#links.get(path)
    if (own !== undefined) return own
    if (source === undefined || stats?.isSymbolicLink() !== true) return undefined
    const text = await readlink(source, { encoding: 'buffer' })
    // defence: digest-link-not-utf8
    if (!isUtf8(text)) throw new TraceError('ERR_BUILDJAIL_TRACE_INCOMPLETE', `the text of the link ${path} is not UTF-8, so the file that it leads to is unknown`, { path, ...(entry !== undefined && { entry: entry.entry }) })
    return text.toString()
  }
}

function namesOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.')
}

/** @returns the code of the error for a missing path */
async function lstatIfThere(path: string): Promise<BigIntStats | string> {
  try {
    return await lstat(path, { bigint: true })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return code
    // A name is too long on every host, and a path may be so on this one only.
    if (code === 'ENAMETOOLONG' && Buffer.byteLength(nodePath.basename(path)) > longestName) return code
    throw error
  }
}
