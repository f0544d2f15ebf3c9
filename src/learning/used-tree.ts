import { lstatSync, readlinkSync, type Stats } from 'node:fs'
import path from 'node:path'

import type { Trace, TracedFile } from '../native/trace.ts'
import { mountsAround } from '../recording/seen-files.ts'
import { isWithin } from '../spec/paths.ts'
import type { Plan } from '../spec/plan-types.ts'

/** Why a folder is shown as a whole, the strongest last. */
export type WholeReason = 'looked' | 'many' | 'hidden' | 'unnamed' | 'special' | 'link' | 'listed' | 'shut' | 'written'

const strength: readonly WholeReason[] = ['looked', 'many', 'hidden', 'unnamed', 'special', 'link', 'listed', 'shut', 'written']

/** A file or folder of the project that a command found, or on the way to one. */
export interface UsedNode {
  readonly path: string
  readonly isFolder: boolean
  readonly children: Map<string, UsedNode>
  /** Found itself, and not only passed through. */
  isUsed: boolean
  /** Of a folder. Undefined if only what is in it is needed. */
  whole: WholeReason | undefined
}

/** As the kernel has it (path_resolution(7)). */
const mostLinks = 40
/** Permission bits of others: without them, a build user cannot read a file, or enter a folder, that is not its own. */
const openFile = 0o004
const openFolder = 0o005

/**
 * What a command found in a project, which is on the host as it was: the session had it in an overlay, at its own path.
 * @param project its folder
 * @param kept folders in it that the session had as outputs
 */
export function usedTree(trace: Trace, plan: Plan, project: string, kept: readonly string[]): UsedNode {
  return new UsedTree(plan, project, kept).of(trace.files)
}

class UsedTree {
  readonly #root: UsedNode
  readonly #project: string
  readonly #kept: readonly string[]
  readonly #cwd: string
  readonly #mountOf: ReturnType<typeof mountsAround>
  readonly #looked = new Map<string, Stats | undefined>()

  constructor({ mounts, cwd }: Plan, project: string, kept: readonly string[]) {
    this.#project = project
    this.#kept = kept
    this.#cwd = cwd
    this.#mountOf = mountsAround(mounts)
    this.#root = { path: project, isFolder: true, children: new Map(), isUsed: false, whole: undefined }
  }

  of(files: readonly TracedFile[]): UsedNode {
    // The kernel enters it for the command (chdir(2)), which is no call of a process of the session.
    if (this.#isOfProject(this.#cwd)) this.#nodeOf(this.#cwd).isUsed = true
    for (const file of files) {
      if (!this.#isOfProject(file.path)) continue
      if (file.uses.includes('write')) this.#mark(this.#folderAround(file.path), 'written')
      if (file.first !== 'missing') this.#use(file)
    }
    return this.#root
  }

  #isOfProject(one: string): boolean {
    return isWithin(one, this.#project) && !this.#kept.some((folder) => isWithin(one, folder))
  }

  #use({ path: given, uses }: TracedFile): void {
    const real = this.#resolved(given)
    const stats = real === undefined ? undefined : this.#look(real)
    // A name that is not UTF-8 was decoded to another, which is not there.
    if (stats === undefined && given.includes('\uFFFD')) return this.#mark(this.#folderAround(given), 'unnamed')
    // It leads out of the project, or the command has moved it there.
    if (real === undefined || stats === undefined || !this.#isOfProject(real)) return
    // Something empty was in its place, and a file that is shown on its own would not be empty.
    if (this.#mountOf(real)?.target !== this.#project) return this.#mark(path.dirname(real), 'hidden')
    const node = this.#nodeOf(real)
    node.isUsed = true
    // An input is a folder or a regular file.
    if (!stats.isFile() && !node.isFolder) this.#mark(path.dirname(real), 'special')
    if (node.isFolder && uses.includes('list')) this.#mark(real, 'listed')
    if ((stats.mode & (node.isFolder ? openFolder : openFile)) !== (node.isFolder ? openFolder : openFile)) this.#mark(node.isFolder ? real : path.dirname(real), 'shut')
  }

  /** Undefined for what leads out of the project. The folders of links are marked: in them alone is a link a link. */
  #resolved(given: string): string | undefined {
    let names = given.slice(this.#project.length).split('/').filter((name) => name !== '')
    let at = this.#project
    for (let links = 0; names.length > 0; ) {
      const [name = '', ...rest] = names
      names = rest
      const next = path.join(at, name)
      if (!isWithin(next, this.#project)) return undefined
      if (this.#look(next)?.isSymbolicLink() !== true) {
        at = next
        continue
      }
      links += 1
      if (links > mostLinks) return undefined
      this.#mark(at, 'link')
      const target = path.resolve(at, readlinkSync(next))
      if (!isWithin(target, this.#project)) return undefined
      names = [...target.slice(this.#project.length).split('/').filter((one) => one !== ''), ...names]
      at = this.#project
    }
    return at
  }

  /** The nearest folder around it that is on the host. */
  #folderAround(one: string): string {
    let folder = path.dirname(one)
    while (folder !== this.#project && isWithin(folder, this.#project)) {
      const real = this.#resolved(folder)
      if (real !== undefined && this.#look(real)?.isDirectory() === true) return real
      folder = path.dirname(folder)
    }
    return this.#project
  }

  #mark(folder: string, reason: WholeReason): void {
    const node = this.#nodeOf(folder)
    if (node.whole === undefined || strength.indexOf(reason) > strength.indexOf(node.whole)) node.whole = reason
  }

  #nodeOf(one: string): UsedNode {
    let node = this.#root
    for (const name of one.slice(this.#project.length).split('/').filter((part) => part !== '')) {
      const below = path.join(node.path, name)
      const known = node.children.get(name) ?? { path: below, isFolder: this.#look(below)?.isDirectory() === true, children: new Map(), isUsed: false, whole: undefined }
      node.children.set(name, known)
      node = known
    }
    return node
  }

  #look(one: string): Stats | undefined {
    if (!this.#looked.has(one)) this.#looked.set(one, lstatSync(one, { throwIfNoEntry: false }))
    return this.#looked.get(one)
  }
}
