import { lstatSync, readlinkSync, type Stats } from 'node:fs'
import path from 'node:path'

import type { Trace, TracedFile } from '../native/trace.ts'
import { mountsAround, throughLinks } from '../recording/seen-files.ts'
import { isWithin } from '../spec/paths.ts'
import type { Plan } from '../spec/plan-types.ts'

/** Why a folder is shown as a whole, the strongest last. */
const strength = ['looked', 'many', 'hidden', 'unnamed', 'special', 'link', 'listed', 'shut', 'written'] as const
export type WholeReason = (typeof strength)[number]

/** A file or folder of the project, or of the toolchain, that a command found, or on the way to one. */
export interface UsedNode {
  readonly path: string
  readonly isFolder: boolean
  readonly children: Map<string, UsedNode>
  /** Found itself, and not only passed through. */
  isUsed: boolean
  /** Of a folder. Undefined if only some of its content is needed. */
  whole: WholeReason | undefined
}

/** The kernel's own bound (path_resolution(7)). */
const mostLinks = 40
/** Permission bits of others: without them, a build user cannot read a file, or enter a folder, that is not its own. */
const openFile = 0o004
const openFolder = 0o005

/**
 * The paths that a command found in a project, which is unchanged on the host: the session had it in an overlay, at its own path.
 * @param project its folder
 * @param kept folders in it that the session had as outputs
 */
export function usedTree(trace: Trace, plan: Plan, project: string, kept: readonly string[]): UsedNode {
  const mountOf = mountsAround(plan.mounts)
  const has = (one: string): boolean => isWithin(one, project) && !kept.some((folder) => isWithin(one, folder))
  return new UsedTree({ top: project, has, isHidden: (one) => mountOf(one)?.target !== project, isWritable: true }).of(trace.files, plan.cwd)
}

/**
 * The paths that a command found in the toolchain, from the root on. Each part of it has the same path on the host as in the session, and the links of the root
 * are links there, too.
 */
export function usedToolchain(trace: Trace, plan: Plan): UsedNode {
  return new UsedTree({ top: '/', has: toolchainOf(plan), isHidden: () => false, isWritable: false }).of(throughLinks(trace.files, plan.links), plan.cwd)
}

/** Whether a path lies in a part of the toolchain, or of the certificates that come with the host's. */
export function toolchainOf({ mounts }: Plan): (path: string) => boolean {
  const mountOf = mountsAround(mounts)
  return (one) => {
    const mount = mountOf(one)
    return mount?.source !== undefined && /^(toolchain($|\[)|etc$)/.test(mount.entry)
  }
}

interface Scope {
  readonly top: string
  /** Whether a path without links is of it. */
  readonly has: (path: string) => boolean
  /** Whether an empty file or folder was in its place. */
  readonly isHidden: (path: string) => boolean
  readonly isWritable: boolean
}

class UsedTree {
  readonly #root: UsedNode
  readonly #scope: Scope
  readonly #looked = new Map<string, Stats | undefined>()

  constructor(scope: Scope) {
    this.#scope = scope
    this.#root = { path: scope.top, isFolder: true, children: new Map(), isUsed: false, whole: undefined }
  }

  of(files: Iterable<TracedFile>, cwd: string): UsedNode {
    const { has, isWritable } = this.#scope
    // The kernel enters it for the command (chdir(2)), which is no call of a process of the session.
    if (has(cwd)) this.#nodeOf(cwd).isUsed = true
    for (const file of files) {
      if (!has(file.path)) continue
      if (isWritable && file.uses.includes('write')) this.#mark(this.#folderAround(file.path), 'written')
      if (file.first !== 'missing') this.#use(file)
    }
    return this.#root
  }

  #use({ path: given, uses }: TracedFile): void {
    const real = this.#resolved(given)
    const stats = real === undefined ? undefined : this.#look(real)
    // A name that is not UTF-8 was decoded to another, which is not there.
    if (stats === undefined && given.includes('\uFFFD')) return this.#mark(this.#folderAround(given), 'unnamed')
    // It leads out of the project, or the command moved it there.
    if (real === undefined || stats === undefined || !this.#scope.has(real)) return
    // An empty file or folder was in its place, and a file that is shown on its own would not be empty.
    if (this.#scope.isHidden(real)) return this.#mark(path.dirname(real), 'hidden')
    const node = this.#nodeOf(real)
    node.isUsed = true
    // An input is a folder or a regular file.
    if (!stats.isFile() && !node.isFolder) this.#mark(path.dirname(real), 'special')
    if (node.isFolder && uses.includes('list')) this.#mark(real, 'listed')
    if ((stats.mode & (node.isFolder ? openFolder : openFile)) !== (node.isFolder ? openFolder : openFile)) this.#mark(node.isFolder ? real : path.dirname(real), 'shut')
  }

  /** Undefined for a path that leads out of the tree. The folders of links are marked, because only in its folder is a link shown as a link. */
  #resolved(given: string): string | undefined {
    const { top } = this.#scope
    let names = given.slice(top.length).split('/').filter((name) => name !== '')
    let at = top
    for (let links = 0; names.length > 0; ) {
      const [name = '', ...rest] = names
      names = rest
      const next = path.join(at, name)
      if (!isWithin(next, top)) return undefined
      if (this.#look(next)?.isSymbolicLink() !== true) {
        at = next
        continue
      }
      links += 1
      if (links > mostLinks) return undefined
      this.#mark(at, 'link')
      const target = path.resolve(at, readlinkSync(next))
      if (!isWithin(target, top)) return undefined
      names = [...target.slice(top.length).split('/').filter((one) => one !== ''), ...names]
      at = top
    }
    return at
  }

  /** The nearest folder around it that is on the host. */
  #folderAround(one: string): string {
    let folder = path.dirname(one)
    while (folder !== this.#scope.top && isWithin(folder, this.#scope.top)) {
      const real = this.#resolved(folder)
      if (real !== undefined && this.#look(real)?.isDirectory() === true) return real
      folder = path.dirname(folder)
    }
    return this.#scope.top
  }

  #mark(folder: string, reason: WholeReason): void {
    // The folder of a part of the toolchain is not shown with it: the root, for one, which the plan makes with its links.
    // defence: learned-folder-shown
    if (!this.#scope.has(folder)) return
    const node = this.#nodeOf(folder)
    if (node.whole === undefined || strength.indexOf(reason) > strength.indexOf(node.whole)) node.whole = reason
  }

  #nodeOf(one: string): UsedNode {
    let node = this.#root
    for (const name of one.slice(this.#scope.top.length).split('/').filter((part) => part !== '')) {
      const below = path.join(node.path, name)
      const known = node.children.get(name) ?? { path: below, isFolder: this.#look(below)?.isDirectory() === true, children: new Map(), isUsed: false, whole: undefined }
      node.children.set(name, known)
      node = known
    }
    return node
  }

  #look(one: string): Stats | undefined {
    if (!this.#looked.has(one)) this.#looked.set(one, statsOf(one))
    return this.#looked.get(one)
  }
}

function statsOf(one: string): Stats | undefined {
  try {
    return lstatSync(one, { throwIfNoEntry: false })
  } catch (error) {
    // The session has it at the same path, so it is too long there as well.
    if ((error as NodeJS.ErrnoException).code === 'ENAMETOOLONG') return undefined
    throw error
  }
}
