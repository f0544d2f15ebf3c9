import type { Row } from './document.ts'
import { html, type Markup } from './html.ts'

/** The rows of a tree of any kind, each with the lines that lead to it from the row above. */
export function rowsOfTree<Node>(top: Node, childrenOf: (node: Node) => readonly Node[], rowOf: (node: Node, lines: Markup) => Row): Row[] {
  const rowsBelow = (node: Node, before: string, branch: string): Row[] => {
    const children = childrenOf(node)
    const under = branch === '' ? before : before + (branch.startsWith('└') ? '   ' : '│  ')
    const row = rowOf(node, html`<span class="branch" aria-hidden="true">${before}${branch}</span>`)
    return [row, ...children.flatMap((child, index) => rowsBelow(child, under, index === children.length - 1 ? '└─ ' : '├─ '))]
  }
  return rowsBelow(top, '', '')
}
