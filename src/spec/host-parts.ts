import nodePath from 'node:path'

import { bare } from './plain-data.ts'
import { host } from './look.ts'
import { isWithin, sortedByTarget } from './paths.ts'
import type { Link, Mount } from './plan-types.ts'
import { movedTo } from './source-mount.ts'
import type { SystemLayout } from './system-layout.ts'

/** One part of a toolchain. */
export interface Part {
  readonly mount: Mount
  /** The device that its source is on, decimal. */
  readonly dev: string | undefined
}

export interface Parts {
  readonly parts: readonly Part[]
  readonly links: readonly Link[]
}

/** The slice of the host's system that a compiler needs. */
export function hostParts(layout: SystemLayout): Parts {
  const parts: Part[] = []
  const links: Link[] = []
  for (const path of [...layout.toolchain, ...settingsOfJava(layout)]) {
    const found = host().lstatIfThere(path)
    if (found === undefined) continue
    if (found.isSymbolicLink()) links.push(bare({ path, target: host().readlink(path) }))
    // No identity: only root can exchange a part of the system, and a plan that is kept outlives an update of it.
    else parts.push({ mount: bare({ kind: found.isDirectory() ? 'bind' : 'file', target: path, source: path, writable: false, entry: 'toolchain' }), dev: String(found.dev) })
  }
  return { parts, links }
}

/**
 * The links of the host's system, and of its certificates, that lead to what some parts show. Programs name their loader, and scripts their shell,
 * by them.
 */
export function linksInto(parts: readonly Part[], { toolchain, trust }: SystemLayout): readonly Link[] {
  return [...toolchain, ...trust].flatMap((path) => {
    if (host().lstatIfThere(path)?.isSymbolicLink() !== true) return []
    const target = host().readlink(path)
    const whole = nodePath.posix.resolve(nodePath.posix.dirname(path), target)
    return parts.some(({ mount }) => isWithin(mount.target, whole) || isWithin(whole, mount.target)) ? [bare({ path, target })] : []
  })
}

/** Without it, javac and Ruby take sources beyond ASCII for broken. */
export function hasLocale({ locale }: SystemLayout): boolean {
  return locale !== undefined && host().statIfThere(locale) !== undefined
}

function settingsOfJava({ javaMachines }: SystemLayout): readonly string[] {
  if (javaMachines === undefined || host().statIfThere(javaMachines) === undefined) return []
  const names = host().readdir(javaMachines).flatMap((name) => /^java-\d+-openjdk(?=-|$)/.exec(name) ?? [])
  return [...new Set(names)].map((name) => `/etc/${name}`)
}

/**
 * The mounts of a toolchain in which nothing is shown twice. What lies in another part is left to that one. A path that leads out of the part
 * in which it lies, by a link, is shown where it leads: so it is found by either name, as on the host.
 */
export function shownOnce({ parts, links }: Parts, platform: NodeJS.Platform): { readonly mounts: readonly Mount[]; readonly links: readonly Link[] } {
  const shown: Part[] = []
  const elsewhere: Part[] = []
  const placed = parts.map((part): Part => ({ ...part, mount: movedTo(part.mount, through(part.mount.target, links)) }))
  for (const part of sortedByTarget(placed, ({ mount }) => mount.target)) {
    const around = shown.find(({ mount }) => isWithin(part.mount.target, mount.target))
    if (around === undefined) shown.push(part)
    else if (!isInside(part, around, part.mount.target, platform)) elsewhere.push(part)
  }
  for (const part of elsewhere) {
    const { source = '' } = part.mount
    const isShown = shown.some((other) => isInside(part, other, source, platform))
    if (!isShown) shown.push({ ...part, mount: movedTo(part.mount, source) })
  }
  const mounts = shown.map(({ mount }) => mount)
  return { mounts, links: links.filter(({ path }) => !mounts.some(({ target }) => isWithin(path, target))) }
}

/** Whether what is at a path in another part is this part itself. nullfs(5) does not show what is mounted below its source. */
function isInside({ mount: { source = '' }, dev }: Part, other: Part, path: string, platform: NodeJS.Platform): boolean {
  const { target, source: outer = '' } = other.mount
  return isWithin(path, target) && outer + path.slice(target.length) === source && (platform !== 'freebsd' || dev === other.dev)
}

/** Where a path leads by the links of the toolchain, which are the host's. */
function through(path: string, links: readonly Link[]): string {
  const link = links.find((one) => isWithin(path, one.path))
  return link === undefined ? path : through(nodePath.posix.resolve(nodePath.posix.dirname(link.path), link.target) + path.slice(link.path.length), links)
}

export interface RunningRuntime {
  /** What a session needs to be shown of it: a directory or a file. */
  readonly source: string
  /** For PATH. */
  readonly bin: string
}

/**
 * The runtime that this program runs in. Node finds its libraries, and npm, beside the folder of its program, so that is its whole prefix.
 * Bun and a program with its runtime in it are one file.
 */
export function runningRuntime(executable: string = process.execPath, isNode: boolean = process.versions['bun'] === undefined): RunningRuntime {
  const file = host().realpath(executable)
  const bin = nodePath.dirname(file)
  const prefix = nodePath.dirname(bin)
  const isInPrefix = isNode && nodePath.basename(file).startsWith('node') && nodePath.basename(bin) === 'bin' && prefix !== '/'
  return { source: isInPrefix ? prefix : file, bin }
}
