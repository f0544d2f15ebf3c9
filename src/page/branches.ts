import type { Row } from './document.ts'
import { html, type Markup } from './html.ts'

/** Deeper rows have the lines of this level: a build chooses how deep its processes stand. */
const mostLevels = 100
const step = 3

/** The rows of a tree of any kind, each with the lines that lead to it from the row above. */
export function rowsOfTree<Node>(top: Node, childrenOf: (node: Node) => readonly Node[], rowOf: (node: Node, lines: Markup) => Row): Row[] {
  const rows: Row[] = []
  const left = [{ node: top, before: '', branch: '' }]
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const { node, before, branch } = next
    rows.push(rowOf(node, html`<span class="branch" aria-hidden="true">${before}${branch}</span>`))
    const isDeepest = branch === '' || before.length >= mostLevels * step
    const under = isDeepest ? before : before + (branch.startsWith('└') ? '   ' : '│  ')
    const children = childrenOf(node)
    left.push(...children.map((child, index) => ({ node: child, before: under, branch: index === children.length - 1 ? '└─ ' : '├─ ' })).toReversed())
  }
  return rows
}
