import type { SpecError } from '../errors.ts'
import { invalid } from './check.ts'
import type { Excluded } from './field.ts'
import { host, undecodedIn, type FileStatus } from './look.ts'
import { showsFolder } from './nesting.ts'
import { isThrownAway } from './outputs.ts'
import { isWithin } from './paths.ts'
import { bare } from './plain-data.ts'
import type { Mount } from './plan-types.ts'

// What an input does not show has something empty in its place, which native code makes (native/state/files.h, make_empty).

/**
 * The places in an input that its patterns fit, by what is there when the plan is made. A link is in the place of what it leads to.
 * @throws SpecError where a folder on the way cannot be read
 */
export function excludedFrom(input: Mount, patterns: readonly string[]): Excluded[] {
  const { entry, source = '', target } = input
  if (patterns.length === 0) return []
  if (!showsFolder(input)) throw invalid(`${entry}.exclude`, `${source} is a file, and only of a folder something can be excluded`)
  const hidden = new Set(patterns.map((pattern) => `${source}/${pattern.replace(/\/$/, '')}`))
  return patterns.flatMap((pattern, index) => {
    const own = `${entry}.exclude[${index}]`
    const isFolder = pattern.endsWith('/')
    const names = (isFolder ? pattern.slice(0, -1) : pattern).split('/')
    const places = fitting(source, names, hidden, own).filter(({ isDirectory }) => isDirectory || !isFolder)
    const there = places.map(({ below, isDirectory }): Excluded => ({ target: `${target}/${below}`, isFile: !isDirectory, entry: own, input: target }))
    return there.length === 0 && isFolder ? missingFolder(input, names, own) : there
  })
}

/** The mounts of it, but for what lies in something that is mounted in the input. */
export function excludedMounts(excluded: readonly Excluded[], mounts: readonly Mount[], stateDirectory: string): Mount[] {
  const added: Mount[] = []
  for (const { target, isFile, entry, input, missing } of excluded.toSorted((a, b) => a.target.length - b.target.length)) {
    const isShown = (mount: Mount): boolean => mount.target !== input && isWithin(mount.target, input) && isWithin(target, mount.target)
    if (mounts.some(isShown) || added.some((mount) => isWithin(target, mount.target))) continue
    const kind = isFile ? 'file' : 'bind'
    added.push(bare({ kind, target, source: missing?.source ?? emptySource(stateDirectory, isFile), ...(missing && { missingIn: missing.within }), writable: false, entry }))
  }
  return added
}

/** Whether a mount is something empty in the place of what an input excludes. */
export function isExcluded({ entry, writable }: Pick<Mount, 'entry' | 'writable'>): boolean {
  return !writable && /^inputs\..*\.exclude\[\d+\]$/s.test(entry)
}

/** Whether a source is one of the empty ones. */
export function isEmptySource(source: string, stateDirectory: string): boolean {
  return source === emptySource(stateDirectory, true) || source === emptySource(stateDirectory, false)
}

export function emptySource(stateDirectory: string, isFile: boolean): string {
  return `${stateDirectory}/empty/${isFile ? 'file' : 'folder'}`
}

interface Place {
  /** From the source on. */
  readonly below: string
  readonly isDirectory: boolean
}

function fitting(source: string, names: readonly string[], hidden: ReadonlySet<string>, entry: string): Place[] {
  return found(source, names, hidden, entry).flatMap((path): Place[] => {
    const status = host().lstat(path)
    if (!status.isSymbolicLink()) return [{ below: path.slice(source.length + 1), isDirectory: status.isDirectory() }]
    const real = realPath(path)
    // What it leads to is not in the session by this input, or is all of it.
    if (real === undefined || real === source || !isWithin(real, source)) return []
    // defence: excluded-link-not-utf8
    if (real.slice(source.length).includes(undecoded)) throw notUtf8(real, entry)
    return [{ below: real.slice(source.length + 1), isDirectory: host().lstat(real).isDirectory() }]
  })
}

/**
 * The paths of the host that fit names and wildcards. No link is followed on the way.
 * @param hidden what is excluded by its name: nothing is looked for there if it cannot be read
 */
function found(folder: string, [name, ...rest]: readonly string[], hidden: ReadonlySet<string>, entry: string): string[] {
  if (name === undefined) return []
  if (name === '**') {
    const inner = listed(folder, [name, ...rest], entry).filter((one) => statusOf(`${folder}/${one}`, entry)?.isDirectory() === true)
    return [...found(folder, rest, hidden, entry), ...inner.flatMap((one) => (hidden.has(`${folder}/${one}`) && isShut(`${folder}/${one}`) ? [] : found(`${folder}/${one}`, [name, ...rest], hidden, entry)))]
  }
  // A name of the host that is not UTF-8 may have been meant by letters beyond ASCII.
  const isListed = /[*?]|\P{ASCII}/u.test(name)
  const names = isListed ? listed(folder, [name, ...rest], entry).filter((one) => patternOf(name).test(one)) : [name]
  return names.flatMap((one) => {
    const path = `${folder}/${one}`
    const status = statusOf(path, entry)
    if (status === undefined) return []
    if (rest.length === 0) return [path]
    return status.isDirectory() ? found(path, rest, hidden, entry) : []
  })
}

/** A folder that is named and missing: an overlay gets it inside, and elsewhere opening makes it, so that it can be covered. */
function missingFolder(input: Mount, names: readonly string[], entry: string): Excluded[] {
  if (names.some((name) => /[*?]/.test(name))) return []
  const { source = '', target } = input
  const place = { target: `${target}/${names.join('/')}`, isFile: false, entry, input: target }
  if (isThrownAway(input)) return [place]
  const within = names.slice(0, -1).reduce((path, name) => `${path}/${name}`, source)
  return statusOf(within, entry)?.isDirectory() === true ? [{ ...place, missing: { source: `${source}/${names.join('/')}`, within } }] : []
}

export function patternOf(name: string): RegExp {
  const text = name.replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`).replaceAll('*', '.*').replaceAll('?', '.')
  return new RegExp(`^${text}$`, 'su')
}

/** In the place of bytes that are not UTF-8. */
const undecoded = '\uFFFD'

/**
 * The names in a folder, in which a pattern is looked for.
 * @throws SpecError where it could fit one that is not UTF-8, which would be looked up in vain, and so be shown
 */
function listed(folder: string, pattern: readonly string[], entry: string): readonly string[] {
  const names = namesIn(folder, entry)
  if (!names.some((one) => one.includes(undecoded))) return names
  const other = looked(folder, entry, () => undecodedIn(folder)).find((below) => couldFit(pattern, below))
  // defence: excluded-not-utf8
  if (other !== undefined) throw notUtf8(`${folder}/${other}`, entry)
  return names
}

/** Whether a pattern may be meant for a path with bytes that are not UTF-8: they are no ASCII, and may be any number of other characters. */
function couldFit(pattern: readonly string[], path: string): boolean {
  const parts = pattern.map((name) => (name === '**' ? '(?:[^/]+/)*' : `${partOf(name)}/`))
  return new RegExp(`^${parts.join('')}$`, 'u').test(`${path}/`)
}

function partOf(name: string): string {
  return name
    .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll(/[*?]|\P{ASCII}/gu, (one) => (one === '*' ? '[^/]*' : `(?:${one === '?' ? '[^/]?' : one}|${undecoded}*)`))
}

function notUtf8(path: string, entry: string): SpecError {
  return invalid(entry, `${path} is not UTF-8, so that it cannot be hidden; rename it`)
}

function namesIn(folder: string, entry: string): readonly string[] {
  return looked(folder, entry, () => host().readdir(folder))
}

function isShut(folder: string): boolean {
  try {
    host().readdir(folder)
    return false
  } catch {
    return true
  }
}

function statusOf(path: string, entry: string): FileStatus | undefined {
  return looked(path, entry, () => host().lstatIfThere(path))
}

function realPath(path: string): string | undefined {
  try {
    return host().realpath(path)
  } catch {
    return undefined
  }
}

function looked<T>(path: string, entry: string, look: () => T): T {
  try {
    return look()
  } catch (error) {
    throw invalid(entry, `${path} cannot be looked at (${(error as NodeJS.ErrnoException).code ?? String(error)})`, error)
  }
}
