import { lstat, readlink } from 'node:fs/promises'
import type { BigIntStats } from 'node:fs'

import { parentsOf } from '../spec/paths.ts'
import type { RecordedUse } from './seen-files.ts'

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
  /** The texts of the links that were followed. */
  readonly links: readonly string[]
  /** When it, or a folder or a link on the way, was last changed: nanoseconds since 1970. A folder that was renamed was changed. */
  readonly changedNs: bigint
}

/** As the kernel has it (path_resolution(7)). */
const mostLinks = 40

/** Looks up paths of a session on the host, by the entries of its plan. A link leads where it leads in the session, and never elsewhere on the host. */
export class ShownPaths {
  readonly #entries: ReadonlyMap<string, RecordedUse>

  constructor(entries: readonly RecordedUse[]) {
    this.#entries = new Map(entries.map((entry) => [entry.target, entry]))
  }

  /**
   * @param path in the session, absolute
   * @throws Error of lstat(2) or readlink(2), except those for a missing path
   */
  async find(path: string): Promise<ShownPath> {
    let names = namesOf(path)
    let at = ''
    const links: string[] = []
    let changedNs = 0n
    const look = async (one: string): Promise<ShownPath> => {
      const { stats, ...rest } = await this.#at(one)
      if (stats !== undefined && stats.ctimeNs > changedNs) changedNs = stats.ctimeNs
      return { ...rest, stats, changedNs, links }
    }
    let found: ShownPath = this.#unlooked('/')
    while (names.length > 0) {
      const [name = '', ...rest] = names
      names = rest
      if (name === '..') {
        at = at.slice(0, Math.max(at.lastIndexOf('/'), 0))
        continue
      }
      at = `${at}/${name}`
      found = await look(at)
      if (found.source !== undefined && found.stats === undefined) return { ...found, path: [at, ...names].join('/') }
      if (found.source === undefined || found.stats?.isSymbolicLink() !== true) continue
      if (links.length >= mostLinks) return { ...found, stats: undefined }
      const target = await readlink(found.source)
      links.push(target)
      at = target.startsWith('/') ? '' : at.slice(0, at.lastIndexOf('/'))
      names = [...namesOf(target), ...names]
      found = await look(at === '' ? '/' : at)
    }
    // After `..`, the last that was looked at is another.
    return found.path === at ? found : await look(at === '' ? '/' : at)
  }

  /** One path, without following it if it is a link. */
  async #at(path: string): Promise<ShownPath> {
    const unlooked = this.#unlooked(path)
    if (unlooked.source === undefined) return unlooked
    return { ...unlooked, stats: await lstatIfThere(unlooked.source) }
  }

  #unlooked(path: string): ShownPath {
    const target = [path, ...parentsOf(path)].find((one) => this.#entries.has(one))
    const entry = target === undefined ? undefined : this.#entries.get(target)
    const source = entry?.source === undefined ? undefined : `${entry.source}${path.slice(entry.target.length)}`
    return { path, source, entry, stats: undefined, changedNs: 0n, links: [] }
  }
}

function namesOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.')
}

async function lstatIfThere(path: string): Promise<BigIntStats | undefined> {
  try {
    return await lstat(path, { bigint: true })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw error
  }
}
