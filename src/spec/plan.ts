import { lstatSync, readlinkSync, realpathSync, statSync, type BigIntStats } from 'node:fs'
import path from 'node:path'

import { SpecError, type SpecErrorCode } from '../errors.ts'
import {
  checkAdditions,
  checkSpec,
  defaultStateDirectoryOn,
  defaultTmpSize,
  defaultUser,
  type Additions,
  type Network,
  type Spec,
  type User,
} from './spec.ts'
import { resolveStateDirectory } from './state-directory.ts'
import { layoutOf, type SystemLayout } from './system-layout.ts'

/** One mount of a session's root. `bind` shows a directory, `file` one file; the others are file systems of their own. */
export interface Mount {
  readonly kind: 'bind' | 'file' | 'tmpfs' | 'dev' | 'proc'
  /** Absolute inside the root. */
  readonly target: string
  /** On the host, absolute, no symbolic links left in it. */
  readonly source?: string
  /**
   * Device and file number of the source when it was planned, decimal; opening refuses a source that is another by then.
   * Absent for the parts of the host's toolchain.
   */
  readonly identity?: { readonly dev: string; readonly ino: string }
  readonly writable: boolean
  /** Bytes, of a tmpfs. */
  readonly size?: number
  /** The field of the spec that asked for it. */
  readonly entry: string
}

/** A symbolic link in the root, as the host has it (`/lib -> usr/lib`). */
export interface Link {
  readonly path: string
  readonly target: string
}

/** A spec made absolute, checked and ordered. Plain immutable data: the same plan opens any number of sessions. */
export interface Plan {
  readonly version: 1
  readonly platform: NodeJS.Platform
  readonly name?: string
  /** Sorted, parents first. */
  readonly mounts: readonly Mount[]
  readonly links: readonly Link[]
  /** Directories of the root that exist only to be mounted on or passed through; sorted, parents first. */
  readonly directories: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  readonly network: Network
  readonly user: Required<User>
  readonly hostname: string
  readonly stateDirectory: string
}

export interface PlanOptions {
  /** Whose layout to plan for. Default: the running system's. */
  readonly platform?: NodeJS.Platform
}

/**
 * The plan of a spec. Reads nothing but what the declared sources are (realpath(3), stat(2)); changes nothing.
 * @throws SpecError naming the entry that was refused.
 */
export function planOf(spec: Spec, options: PlanOptions = {}): Plan {
  checkSpec(spec)
  const platform = options.platform ?? process.platform
  const layout = layoutOf(platform)
  const stateDirectory = resolveStateDirectory(spec.stateDirectory ?? defaultStateDirectoryOn(platform))

  const mounts: Mount[] = layout.own.map(({ kind, target }) => ({
    kind,
    target,
    writable: kind === 'tmpfs',
    ...(kind === 'tmpfs' ? { size: spec.tmpSize ?? defaultTmpSize } : {}),
    entry: kind,
  }))
  const links: Link[] = []
  addToolchain(spec, layout, mounts, links)
  mounts.push(...declaredMounts(spec))
  return arranged(mounts, links, {
    version: 1,
    platform,
    ...(spec.name === undefined ? {} : { name: spec.name }),
    env: envOf(spec, { PATH: layout.searchPath, HOME: '/tmp', TMPDIR: '/tmp', LC_ALL: 'C' }),
    cwd: spec.cwd ?? '/tmp',
    network: spec.network ?? 'none',
    user: Object.freeze(userOf(spec)),
    hostname: spec.hostname ?? 'build',
    stateDirectory,
  })
}

/**
 * The plan that `planOf` makes of the base's spec and these together; only what is added is looked at.
 * @throws SpecError naming the entry that was refused.
 */
export function planOnto(base: Plan, additions: Additions): Plan {
  checkAdditions(additions)
  const { mounts, links, directories: _, ...rest } = base
  return arranged([...mounts, ...declaredMounts(additions)], links, {
    ...rest,
    env: envOf(additions, base.env),
    cwd: additions.cwd ?? base.cwd,
  })
}

function declaredMounts(spec: Pick<Spec, 'inputs' | 'output' | 'outputs'>): Mount[] {
  const mounts = Object.entries(spec.inputs ?? {}).map(([key, source]) => {
    return input(`inputs.${key}`, source, key.startsWith('/') ? key : `/inputs/${key}`)
  })
  if (spec.output !== undefined) mounts.push(output('output', spec.output, '/output'))
  for (const [key, source] of Object.entries(spec.outputs ?? {})) {
    mounts.push(output(`outputs.${key}`, source, key.startsWith('/') ? key : `/outputs/${key}`))
  }
  return mounts
}

/** Checks that the parts fit together, and orders them. */
function arranged(mounts: readonly Mount[], links: readonly Link[], rest: Omit<Plan, 'mounts' | 'links' | 'directories'>): Plan {
  const sorted = sortedByTarget(mounts, ({ target }) => target)
  refuseSources(sorted, rest.stateDirectory)
  refuseTargets(sorted, links)
  refuseTarget('cwd', rest.cwd)
  return Object.freeze({
    ...rest,
    env: Object.freeze(rest.env),
    mounts: Object.freeze(sorted.map((mount) => Object.freeze(mount))),
    links: Object.freeze([...links]),
    directories: Object.freeze(directoriesOf(sorted, links)),
  })
}

function envOf(spec: Pick<Spec, 'env' | 'sourceDateEpoch'>, base: Readonly<Record<string, string>>): Record<string, string> {
  return {
    ...base,
    ...(spec.sourceDateEpoch === undefined ? {} : { SOURCE_DATE_EPOCH: String(spec.sourceDateEpoch) }),
    ...spec.env,
  }
}

function userOf(spec: Spec): Required<User> {
  const { uid, gid, groups } = spec.user === 'root' ? { uid: 0, gid: 0, groups: [] } : (spec.user ?? defaultUser)
  return { uid, gid, groups: Object.freeze([...(groups ?? [])]) }
}

function addToolchain(spec: Spec, layout: SystemLayout, mounts: Mount[], links: Link[]): void {
  const toolchain = spec.toolchain ?? 'host'
  if (toolchain === 'none') return
  if (toolchain !== 'host') {
    toolchain.forEach((source, index) => {
      const entry = `toolchain[${index}]`
      refuseTarget(entry, source)
      mounts.push(input(entry, source, source))
    })
    return
  }
  for (const part of layout.toolchain) {
    const found = lstatSync(part, { throwIfNoEntry: false })
    if (found === undefined) continue
    if (found.isSymbolicLink()) links.push(Object.freeze({ path: part, target: readlinkSync(part) }))
    // No identity: only root can exchange a part of the system, and a plan that is kept outlives an update of it.
    else mounts.push({ kind: found.isDirectory() ? 'bind' : 'file', target: part, source: part, writable: false, entry: 'toolchain' })
  }
}

function input(entry: string, source: string, target: string): Mount {
  const stats = look(entry, source)
  if (!stats.isDirectory() && !stats.isFile()) {
    throw refusal('ERR_BUILDJAIL_SOURCE_UNFIT', entry, `${source} is neither a directory nor a regular file`, source)
  }
  const kind = stats.isDirectory() ? 'bind' : 'file'
  return { kind, target, source: resolve(entry, source), identity: identityOf(stats), writable: false, entry }
}

function output(entry: string, source: string, target: string): Mount {
  const stats = look(entry, source)
  if (!stats.isDirectory()) throw refusal('ERR_BUILDJAIL_SOURCE_UNFIT', entry, `${source} is not a directory`, source)
  return { kind: 'bind', target, source: resolve(entry, source), identity: identityOf(stats), writable: true, entry }
}

/** How a source is known again. */
export function identityOf(stats: BigIntStats): NonNullable<Mount['identity']> {
  return Object.freeze({ dev: String(stats.dev), ino: String(stats.ino) })
}

function look(entry: string, source: string): BigIntStats {
  try {
    return statSync(source, { bigint: true })
  } catch (error) {
    throw missing(entry, source, error)
  }
}

// After the look: some runtimes open what they resolve, which a socket answers with an error of its own.
function resolve(entry: string, source: string): string {
  try {
    return realpathSync.native(source)
  } catch (error) {
    throw missing(entry, source, error)
  }
}

function missing(entry: string, source: string, error: unknown): SpecError {
  const { code, errno, syscall } = error as NodeJS.ErrnoException
  const how = code === 'ENOENT' ? 'does not exist' : 'cannot be looked at'
  return new SpecError('ERR_BUILDJAIL_SOURCE_MISSING', entry, `${source} ${how} (${code ?? String(error)})`, {
    ...(errno === undefined ? {} : { errno }),
    ...(syscall === undefined ? {} : { syscall }),
    path: source,
    cause: error,
  })
}

function refuseSources(mounts: readonly Mount[], stateDirectory: string): void {
  const writable = new Map<string, string>()
  for (const { entry, source, writable: isWritable } of mounts) {
    if (source === undefined) continue
    if (source === '/') throw refusal('ERR_BUILDJAIL_SOURCE_IS_ROOT', entry, 'the whole host is no input', source)
    if (isWithin(source, stateDirectory) || isWithin(stateDirectory, source)) {
      throw refusal(
        'ERR_BUILDJAIL_SOURCE_IN_STATE_DIRECTORY',
        entry,
        `${source} holds or lies in the state directory ${stateDirectory}`,
        source,
      )
    }
    if (!isWritable) continue
    const other = writable.get(source)
    if (other !== undefined) {
      throw refusal('ERR_BUILDJAIL_SOURCE_WRITABLE_TWICE', entry, `${source} is writable already, by ${other}`, source)
    }
    writable.set(source, entry)
  }
}

function refuseTarget(entry: string, target: string): void {
  if (!target.startsWith('/')) throw refusal('ERR_BUILDJAIL_TARGET_NOT_ABSOLUTE', entry, `${target} is not absolute`, target)
  const plain = path.posix.normalize(target) === target && (target === '/' || !target.endsWith('/'))
  if (!plain || target.split('/').includes('..')) {
    throw refusal('ERR_BUILDJAIL_TARGET_NOT_NORMAL', entry, `${target} is not a normalised path`, target)
  }
}

/** What is mounted is not ours to make directories in; only our own tmpfs is. */
function refuseTargets(mounts: readonly Mount[], links: readonly Link[]): void {
  const taken = new Map<string, string>(links.map((link) => [link.path, 'toolchain']))
  const closed = new Map<string, string>(taken)
  for (const { entry, target, kind } of mounts) {
    refuseTarget(entry, target)
    if (target === '/') throw refusal('ERR_BUILDJAIL_TARGET_NOT_NORMAL', entry, 'the root itself is no target', target)
    const twin = taken.get(target)
    if (twin !== undefined) {
      const [named, other] = ownFirst(entry, twin)
      throw refusal('ERR_BUILDJAIL_TARGET_DUPLICATE', named, `${target} is the target of ${other} too`, target)
    }
    taken.set(target, entry)
    if (kind !== 'tmpfs') closed.set(target, entry)
  }
  const below = [...links.map((link) => ({ entry: 'toolchain', target: link.path })), ...mounts]
  for (const { entry, target } of below) {
    for (let parent = path.posix.dirname(target); parent !== '/'; parent = path.posix.dirname(parent)) {
      const above = closed.get(parent)
      if (above === undefined) continue
      const [named] = ownFirst(entry, above)
      throw refusal('ERR_BUILDJAIL_TARGET_BELOW_BIND', named, `${target} (${entry}) lies below ${parent} (${above})`, target)
    }
  }
}

/** Of two entries in conflict, the one the caller wrote comes first: that is the one to change. */
function ownFirst(a: string, b: string): [string, string] {
  const isOurs = (entry: string): boolean => ['toolchain', 'tmpfs', 'dev', 'proc'].includes(entry)
  return isOurs(a) && !isOurs(b) ? [b, a] : [a, b]
}

function directoriesOf(mounts: readonly Mount[], links: readonly Link[]): string[] {
  const all = new Set<string>()
  const addParents = (target: string): void => {
    for (let parent = path.posix.dirname(target); parent !== '/'; parent = path.posix.dirname(parent)) all.add(parent)
  }
  for (const { target, kind } of mounts) {
    addParents(target)
    if (kind !== 'file') all.add(target)
  }
  for (const link of links) addParents(link.path)
  return sortedByTarget([...all], (directory) => directory)
}

// Component by component, so that /a/b comes straight after /a and before /a-b.
function sortedByTarget<T>(values: readonly T[], targetOf: (value: T) => string): T[] {
  const keyed = values.map((value) => ({ value, key: targetOf(value).replaceAll('/', '\0') }))
  keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
  return keyed.map(({ value }) => value)
}

function isWithin(inner: string, outer: string): boolean {
  return inner === outer || inner.startsWith(outer.endsWith('/') ? outer : `${outer}/`)
}

function refusal(code: SpecErrorCode, entry: string, message: string, at: string): SpecError {
  return new SpecError(code, entry, message, { path: at })
}
