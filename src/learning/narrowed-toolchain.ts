import path from 'node:path'

import { countUsed, mostEntries } from './narrowed.ts'
import type { UsedNode, WholeReason } from './used-tree.ts'

/** A file or folder of the host that a learned spec has in its toolchain. */
export interface NarrowedTool {
  readonly path: string
  /** Why it is a whole folder. Absent for a file. */
  readonly reason?: WholeReason
  /** How many paths in it were found. */
  readonly found: number
}

/**
 * The fewest parts of the toolchain that show what a command found, by the rules of the project's inputs but for two: a folder that was only looked
 * at is shown with all that is in it, for a part of a toolchain has nothing left out; and a folder in the root, such as /usr, is not shown because
 * it would have many entries.
 * @param has whether the command was shown a path as a part of its toolchain
 */
export function narrowedToolchain(root: UsedNode, has: (path: string) => boolean): readonly NarrowedTool[] {
  const toolsOf = (node: UsedNode): readonly NarrowedTool[] => {
    if (!node.isFolder) return node.isUsed ? [{ path: node.path, found: 1 }] : []
    if (node.whole !== undefined) return [wholeOf(node, node.whole)]
    const inside = [...node.children.values()].flatMap(toolsOf)
    // defence: learned-toolchain-no-more
    const isShown = has(node.path)
    if (inside.length > mostEntries && isShown && path.dirname(node.path) !== '/') return [wholeOf(node, 'many')]
    return inside.length === 0 && node.isUsed ? [wholeOf(node, 'looked')] : inside
  }
  return toolsOf(root).toSorted((a, b) => (a.path < b.path ? -1 : 1))
}

function wholeOf(node: UsedNode, reason: WholeReason): NarrowedTool {
  return { path: node.path, reason, found: countUsed(node) }
}
