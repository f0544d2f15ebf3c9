import { readdirSync } from 'node:fs'
import path from 'node:path'

import { isWithin } from '../spec/paths.ts'
import type { UsedNode, WholeReason } from './used-tree.ts'

/** A file or folder of the project that a learned spec has as an input. */
export interface NarrowedInput {
  readonly path: string
  readonly isFolder: boolean
  /** The command wrote in it, or the build user could not read all of it otherwise. */
  readonly isOverlay: boolean
  /** Why it is a whole folder. Absent for a file. */
  readonly reason?: WholeReason
  /** Nothing in it is shown. */
  readonly isEmpty?: boolean
  /** How many paths in it were found. */
  readonly found: number
  /** Folders in it that were not looked into, relative to it. */
  readonly unused: readonly string[]
  /** There are more of them, which are shown: each that is not is a mount. */
  readonly hasMoreUnused?: boolean
}

/** A folder with more entries in a spec is one entry. */
export const mostEntries = 8
export const mostUnused = 40

/**
 * The fewest entries that show what a command found, by these rules: a folder that was written in, listed, or holds a link is shown as a whole, as
 * is one of which more than `mostEntries` entries would be shown; of other folders, the files that were found are shown. Of a folder that was only looked at,
 * nothing but itself is shown.
 * @param kept the other mounts of the spec in the project, such as outputs
 */
export function narrowed(node: UsedNode, kept: readonly string[]): readonly NarrowedInput[] {
  if (!node.isFolder) return node.isUsed ? [{ path: node.path, isFolder: false, isOverlay: false, found: 1, unused: [] }] : []
  if (node.whole !== undefined) return [wholeOf(node, node.whole, kept)]
  const inside = [...node.children.values()].flatMap((child) => narrowed(child, kept))
  if (inside.length > mostEntries) return [wholeOf(node, 'many', kept)]
  return inside.length === 0 && node.isUsed ? [wholeOf(node, 'looked', kept)] : inside
}

function wholeOf(node: UsedNode, reason: WholeReason, kept: readonly string[]): NarrowedInput {
  const nodes = nodesIn(node)
  const isOverlay = nodes.some(({ whole }) => whole === 'written' || whole === 'shut')
  // What is excluded has no place for a mount in it.
  const isEmpty = reason === 'looked' && !kept.some((one) => isWithin(one, node.path) && path.dirname(one) !== node.path)
  const unused = isEmpty ? [] : unusedIn(node, kept)
  const isCut = unused.length > mostUnused
  return { path: node.path, isFolder: true, isOverlay, reason, ...(isEmpty && { isEmpty }), found: countUsed(node), unused: unused.slice(0, mostUnused), ...(isCut && { hasMoreUnused: true }) }
}

/** How many paths in it were found, with its own. */
export function countUsed(node: UsedNode): number {
  return nodesIn(node).filter(({ isUsed }) => isUsed).length
}

function nodesIn(node: UsedNode): readonly UsedNode[] {
  return [node, ...[...node.children.values()].flatMap(nodesIn)]
}

/** The outermost folders first, and one more than is wanted. */
function unusedIn(top: UsedNode, kept: readonly string[]): readonly string[] {
  const unused: string[] = []
  for (let level = [top]; level.length > 0; level = level.flatMap(({ children }) => [...children.values()].filter(({ isFolder }) => isFolder))) {
    for (const node of level) {
      for (const name of foldersIn(node.path)) {
        const folder = path.join(node.path, name)
        if (node.children.has(name) || kept.some((one) => isWithin(one, folder))) continue
        unused.push(path.relative(top.path, folder))
        if (unused.length > mostUnused) return unused
      }
    }
  }
  return unused
}

/** Without those whose names a pattern cannot have. */
function foldersIn(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !/[*?\uFFFD]/.test(entry.name))
    .map(({ name }) => name)
    .toSorted()
}
