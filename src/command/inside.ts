import { closeSync, constants, fstatSync, lstatSync, openSync, readlinkSync, readSync } from 'node:fs'
import nodePath from 'node:path'

import { elfInterpreter } from '../native/elf.ts'
import { isLent } from '../spec/outputs.ts'
import { isWithin } from '../spec/paths.ts'
import type { Mount, Plan } from '../spec/plan-types.ts'

/** The layout of a root, as a plan has it. */
export type Layout = Pick<Plan, 'mounts' | 'links' | 'directories'>

/** `absent`: there is no such file. `unknown`: it lies among the session's own files, and cannot be seen from here. */
export type Found = 'absent' | 'unknown' | FoundFile

export interface FoundFile {
  readonly mount: Mount
  /** On the host. */
  readonly path: string
}

const mostLinks = 40
const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants

/** The file that a path inside leads to, by the links of the root and of the mounts. For messages: it may be another file later. */
export function lookInside(inside: string, layout: Layout): Found {
  let path = nodePath.posix.normalize(inside)
  for (let links = 0; links < mostLinks; links += 1) {
    const next = step(path, layout)
    if (typeof next !== 'object' || 'mount' in next) return next
    path = next.link
  }
  return 'absent'
}

/** Up to the first link. */
function step(path: string, { mounts, links, directories }: Layout): Found | { readonly link: string } {
  const link = links.find((one) => isWithin(path, one.path))
  if (link !== undefined) return { link: followed(link.path, link.target, path) }
  const mount = mounts.filter(({ target }) => isWithin(path, target)).toSorted((a, b) => b.target.length - a.target.length)[0]
  if (mount === undefined) return directories.includes(path) ? 'unknown' : 'absent'
  const { source, target, kind } = mount
  if (source === undefined || (kind !== 'bind' && kind !== 'file')) return kind === 'listed' && path !== target ? 'absent' : 'unknown'
  let here = source
  for (const name of path.slice(target.length).split('/').filter((one) => one !== '')) {
    here = `${here}/${name}`
    const found = lstatSync(here, { throwIfNoEntry: false })
    if (found === undefined) return 'absent'
    if (found.isSymbolicLink()) return { link: followed(target + here.slice(source.length), readlinkSync(here), path) }
  }
  return { mount, path: here }
}

/** `path` goes by a link, which stands at `link`. */
function followed(link: string, value: string, path: string): string {
  return nodePath.posix.resolve(nodePath.posix.dirname(link), value) + path.slice(link.length)
}

/** The path by way of folders that are open. */
function heldPath(source: string, path: string, open: (folder: string) => number): string {
  const names = path.slice(source.length + 1).split('/')
  if (process.platform === 'linux') return names.reduce((folder, name) => `/proc/self/fd/${open(folder)}/${name}`, source)
  // Elsewhere a directory that is open has no name by which one could go on.
  if (names.length > 1) throw new Error(`${path} lies too deep to be looked at`)
  return path
}

/**
 * The beginning of a regular file; undefined if it cannot be read. A build can exchange a file that it can write to at any time, so no link is
 * followed there: a device that is opened may take that for a command.
 */
export function beginningOf({ mount, path }: FoundFile, size: number): Buffer | undefined {
  const opened: number[] = []
  const open = (name: string, flags: number): number => {
    const fd = openSync(name, flags | O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    opened.push(fd)
    return fd
  }
  try {
    const fd = open(isLent(mount) ? heldPath(mount.source ?? '', path, (folder) => open(folder, O_DIRECTORY)) : path, 0)
    if (!fstatSync(fd).isFile()) return undefined
    const bytes = Buffer.alloc(size)
    return bytes.subarray(0, readSync(fd, bytes, 0, size, 0))
  } catch {
    return undefined
  } finally {
    for (const fd of opened) closeSync(fd)
  }
}

/** The part of a file that shows its kind. */
export const headerSize = 8192

/** The interpreter that a program names: of a script by its first line, of an ELF file by its program header. */
export function interpreterOf(header: Buffer): string | undefined {
  const line = /^#![ \t]*([^ \t\n\0]+)[^\n]*\n/.exec(header.toString('latin1'))
  return line?.[1] === undefined ? elfInterpreter(header) : Buffer.from(line[1], 'latin1').toString()
}
