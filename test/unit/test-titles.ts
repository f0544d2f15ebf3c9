import { readFileSync } from 'node:fs'
import { parseAst } from 'vite'

interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [part: string]: unknown
}

/** The titles of a file's tests, as they stand in the source; not those of its suites. */
export function titlesOf(file: string): string[] {
  const source = readFileSync(file, 'utf8')
  const titles: string[] = []
  const look = (part: unknown): void => {
    if (Array.isArray(part)) part.forEach(look)
    if (!isNode(part)) return
    const [title] = part.type === 'CallExpression' && isTest(part['callee']) ? (part['arguments'] as Node[]) : []
    // Without its quotes; `describe.each(...)` and the like have a list there.
    if (title?.type === 'TemplateLiteral') titles.push(source.slice(title.start + 1, title.end - 1))
    if (title?.type === 'Literal' && typeof title['value'] === 'string') titles.push(title['value'])
    Object.values(part).forEach(look)
  }
  look(parseAst(source, { lang: 'ts' }))
  return titles
}

function isNode(part: unknown): part is Node {
  return typeof part === 'object' && part !== null && 'type' in part
}

/** `test`, `it`, and what they give: `test.runIf(condition).each(rows)`. */
function isTest(callee: unknown): boolean {
  if (!isNode(callee)) return false
  if (callee.type === 'Identifier') return callee['name'] === 'test' || callee['name'] === 'it'
  return isTest(callee['object'] ?? callee['callee'])
}
