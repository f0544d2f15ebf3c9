import { createHash } from 'node:crypto'
import { constants, type BigIntStats } from 'node:fs'
import { lstat, open, readdir } from 'node:fs/promises'

import { TraceError } from '../errors.ts'
import { invalid, readRecord } from '../spec/check.ts'
import { isWithin } from '../spec/paths.ts'
import { useNames, type RecordedFiles, type RecordedUse } from './seen-files.ts'
import { ShownPaths, type ShownPath } from './shown-paths.ts'

export interface DigestOptions {
  /**
   * When the run began, in milliseconds since 1970. With it, a path that has changed since is refused, so the digest is of the files as the run saw them.
   * Without it, the digest is of the files as they are now.
   */
  readonly unchangedSince?: number
  /**
   * True: includes what was looked up in the toolchain, and in other parts of the host that the session shows, such as its certificates. Default: false, inputs
   * only.
   */
  readonly toolchain?: boolean
}

/** In ascending order of what a build can learn from them. */
const questions = ['missing', 'refused', 'written', 'looked', 'listed', 'executed', 'read'] as const
type Question = (typeof questions)[number] | 'excluded'

/** The kernel's clock for time stamps is behind by up to a tick (clock_gettime(2), CLOCK_REALTIME_COARSE), which is 10 ms at most. */
const clockTick = 10
const chunkSize = 256 * 1024

/**
 * The hash of what a run looked up in its inputs: contents and modes of files that it read, executed, changed or only looked at, names in folders that it
 * listed or changed, kinds of everything else, modes of folders on the way, where links lead to, and which paths were missing. Two equal digests of one
 * list of paths mean that a run which asks the same gets the same answers. The digest leaves out time stamps, owners, file numbers, link counts and extended
 * attributes, and everything that is not a file, such as the command and its variables.
 * @param files of a record or from `filesOf`, on this host
 * @returns 64 hexadecimal digits
 * @throws TraceError if the list is incomplete, if the run read what an earlier run left in an output or a store, or if something has changed since; Error of
 * the file system if a file cannot be read; SpecError naming a wrong argument or option
 */
export async function inputsDigest(files: RecordedFiles, options: DigestOptions = {}): Promise<string> {
  checkOptions(options)
  if (!Array.isArray((files as RecordedFiles | undefined)?.entries)) throw invalid('files', 'must be what filesOf returns, or `files` of a record')
  refuseIncomplete(files)
  refuseLeftovers(files)
  const asked = files.entries.filter((use) => isDigested(use, options)).flatMap((use) => (use.kind === 'empty' ? placesOf(use) : questionsOf(use)))
  if (options.unchangedSince !== undefined) {
    await refuseListedLeftovers(files)
    await refuseExchanged(files)
  }
  const states = new States(files, options.unchangedSince)
  const hash = createHash('sha256')
  for (const [path, question] of asked.toSorted(([a], [b]) => (a < b ? -1 : 1))) hash.update(`${JSON.stringify([path, ...question, ...(await states.of(path, question))])}\n`)
  return hash.digest('hex')
}

/** With NaN nothing has changed, and a misspelt option would leave out what it asks for: both make a cache wrong. */
function checkOptions(options: DigestOptions): void {
  const { unchangedSince, toolchain, ...others } = readRecord(options, 'options')
  for (const name of Object.keys(others)) throw invalid(name, 'is not an option of a digest')
  if (unchangedSince !== undefined && !Number.isFinite(unchangedSince)) throw invalid('unchangedSince', 'must be a number of milliseconds since 1970')
  if (toolchain !== undefined && typeof toolchain !== 'boolean') throw invalid('toolchain', 'must be true or false')
}

function isDigested(use: RecordedUse, { toolchain = false }: DigestOptions): boolean {
  if (use.kind === 'empty') return useNames.some((name) => use[name].paths.length > 0)
  return use.source !== undefined && !isLent(use) && (toolchain || use.entry.startsWith('inputs.'))
}

/** A folder of the host in which the build writes. */
function isLent({ entry }: RecordedUse): boolean {
  return /^(output$|outputs\.|stores\.)/s.test(entry)
}

/** Each path with all questions about it. */
function questionsOf(use: RecordedUse): (readonly [path: string, questions: readonly Question[]])[] {
  const asked = new Map<string, Question[]>()
  for (const question of questions) for (const path of use[question].paths) asked.set(path, [...(asked.get(path) ?? []), question])
  return [...asked]
}

/** The session shows only whether an excluded path exists, and whether it is a folder. */
function placesOf({ target }: RecordedUse): (readonly [path: string, questions: readonly Question[]])[] {
  return [[target, ['excluded']]]
}

function refuseIncomplete({ entries, lost }: RecordedFiles): void {
  // defence: digest-lost-refused
  if (lost > 0) throw new TraceError('ERR_BUILDJAIL_TRACE_INCOMPLETE', `${lost} calls are missing from the trace, so what they read is unknown`)
  for (const use of entries) {
    for (const question of questions) {
      const { paths, leftOut } = use[question]
      // defence: digest-left-out
      if (leftOut !== undefined) throw new TraceError('ERR_BUILDJAIL_TRACE_INCOMPLETE', `${leftOut} paths of ${use.entry} are left out of the record, so they are unknown; take them from the trace`, { entry: use.entry })
      // A name that is not UTF-8 was decoded to another, which would be missing for ever.
      const unreadable = paths.find((path) => path.includes('\uFFFD'))
      // defence: digest-not-utf8
      if (unreadable !== undefined) throw new TraceError('ERR_BUILDJAIL_TRACE_INCOMPLETE', `${unreadable} is not UTF-8, so the file is unknown`, { entry: use.entry, path: unreadable })
    }
  }
}

/** What an earlier run left is not an input of a spec, and has no digest: this run may have changed it. */
function refuseLeftovers({ entries }: RecordedFiles): void {
  for (const use of entries.filter(isLent)) {
    const left = [...use.read.paths, ...use.executed.paths, ...use.listed.paths, ...use.looked.paths].find((path) => path !== use.target)
    // defence: digest-leftovers-refused
    if (left !== undefined) throw leftOver(use, left)
  }
}

/** If an output was listed, all its names belong to the run, because it looked at removed files as well. */
async function refuseListedLeftovers({ entries }: RecordedFiles): Promise<void> {
  for (const use of entries.filter(isLent)) {
    if (use.source === undefined || !use.listed.paths.includes(use.target)) continue
    const made = new Set(use.written.paths)
    const there = (await namesIfThere(use.source)).map((name) => `${use.target}/${name}`)
    const left = there.find((path) => !made.has(path) && !entries.some(({ target }) => isWithin(target, path)))
    // defence: digest-listed-leftovers
    if (left !== undefined) throw leftOver(use, left)
  }
}

function leftOver({ entry }: RecordedUse, path: string): TraceError {
  return new TraceError('ERR_BUILDJAIL_OUTPUT_READ', `${path} was in ${entry} before the run wrote it, so the outcome may depend on an earlier run; begin with an empty folder`, { entry, path })
}

/** The session keeps the folder that it was opened with, even if another one has its path by now. */
async function refuseExchanged({ entries }: RecordedFiles): Promise<void> {
  for (const { entry, source, target, identity } of entries) {
    if (source === undefined || identity === undefined) continue
    const stats = await lstat(source, { bigint: true }).catch(() => undefined)
    // defence: digest-exchanged-refused
    if (stats === undefined || String(stats.dev) !== identity.dev || String(stats.ino) !== identity.ino) throw changed(target, entry)
  }
}

/** Finds the state of each path on the host. */
class States {
  readonly #paths: ShownPaths
  readonly #since: number | undefined
  /** Contents by source: several paths may lead to one file. */
  readonly #contents = new Map<string, string>()

  constructor(files: RecordedFiles, since: number | undefined) {
    this.#paths = new ShownPaths(files)
    this.#since = since
  }

  async of(path: string, asked: readonly Question[]): Promise<readonly unknown[]> {
    const found = await this.#paths.find(path)
    const { source, stats, stopped } = found
    const leadsTo = [found.modes, ...(found.path === path ? [] : [found.path, found.links])]
    // It leads out of the shown part of the host.
    if (source === undefined) {
      this.#refuseChanged(path, found, [])
      return ['elsewhere', ...leadsTo]
    }
    this.#refuseChanged(path, found, asked)
    if (stats === undefined) return ['missing', ...leadsTo, stopped]
    // The session shows neither its contents nor its mode.
    if (found.isExcluded) return ['excluded', stats.isDirectory() ? 'folder' : 'file', ...leadsTo]
    const mode = Number(stats.mode & 0o7777n)
    if (stats.isDirectory()) return ['folder', ...leadsTo, mode, ...(asked.includes('listed') || asked.includes('written') ? await namesIn(source) : [])]
    if (!stats.isFile()) return ['special', ...leadsTo, Number(stats.mode)]
    const isRead = asked.some((question) => question === 'read' || question === 'executed' || question === 'written')
    // By a look at a time stamp a program decides whether its result from a file is still right: Python its bytecode, git its index.
    const contents = isRead || asked.includes('looked') ? [await this.#contentsOf(path, source, stats).catch(isRead ? thrown : shut)] : []
    return ['file', ...leadsTo, mode, String(stats.size), ...contents]
  }

  #refuseChanged(path: string, { stats, entry, isLink, changedNs }: ShownPath, asked: readonly Question[]): void {
    if (this.#since === undefined) return
    const wasMissing = asked.includes('missing')
    const wasFound = asked.some((question) => question !== 'missing' && question !== 'written' && question !== 'refused')
    // It is not known whether a link was followed. If its target has gone since, the target's folder was changed.
    const isChanged = (stats === undefined ? wasFound && !isLink : wasMissing) || Number(changedNs / 1_000_000n) >= this.#since - clockTick
    // defence: digest-changed-refused
    if (isChanged) throw changed(path, entry?.entry)
  }

  async #contentsOf(path: string, source: string, stats: BigIntStats): Promise<string> {
    const known = this.#contents.get(source)
    if (known !== undefined) return known
    const digest = await contentsOf(path, source, stats)
    this.#contents.set(source, digest)
    return digest
  }
}

/** @param before of what was looked at, which was asked whether it has changed since the run began */
async function contentsOf(path: string, source: string, before: BigIntStats): Promise<string> {
  // A file that has become a fifo meanwhile is not waited for.
  const file = await open(source, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const hash = createHash('sha256')
    const chunk = Buffer.allocUnsafe(chunkSize)
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, chunk.length)
      if (bytesRead === 0) break
      hash.update(chunk.subarray(0, bytesRead))
    }
    const after = await file.stat({ bigint: true })
    if (!isSame(before, after)) throw changed(path)
    return hash.digest('hex')
  } finally {
    await file.close()
  }
}

/** A file that a run could look at may be shut to this program, as it was to the run. */
function shut(error: NodeJS.ErrnoException): string {
  return error.code === 'EACCES' || error.code === 'EPERM' ? 'shut' : thrown(error)
}

function thrown(error: Error): never {
  throw error
}

function isSame(before: BigIntStats, after: BigIntStats): boolean {
  return before.ino === after.ino && before.dev === after.dev && before.ctimeNs === after.ctimeNs && before.size === after.size
}

async function namesIfThere(folder: string): Promise<readonly string[]> {
  return await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
}

/** In the order of their bytes, each with its kind. */
async function namesIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { encoding: 'latin1', withFileTypes: true })
  return entries.map((one) => `${one.isDirectory() ? 'd' : one.isSymbolicLink() ? 'l' : one.isFile() ? 'f' : 's'} ${one.name}`).toSorted()
}

function changed(path: string, entry?: string): TraceError {
  return new TraceError('ERR_BUILDJAIL_INPUT_CHANGED', `${path} has changed since the run began, so what the run saw is unknown`, { path, ...(entry !== undefined && { entry }) })
}
