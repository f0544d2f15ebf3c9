// The classes of errors as the sources have them: their codes, and what their docstrings say.
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { parseSync } from 'rolldown/experimental'

const source = fileURLToPath(new URL('../../src', import.meta.url))

// In the order in which the page has them; all others come after these.
const first = ['spec-errors.ts', 'errors.ts', 'command/command-error.ts']

/** `{ name, code, category, cause, remedy }` of each class that is thrown, that is of each with a remedy; `code` is undefined of one whose code is the system's. */
export function errorClasses() {
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts')).toSorted()
  return [...first, ...files.filter((name) => !first.includes(name))].flatMap((name) => classesIn(readFileSync(path.join(source, name), 'utf8')))
}

function classesIn(text) {
  if (!text.includes('@remedy')) return []
  const { program, comments } = parseSync('errors.ts', text)
  return program.body.flatMap((node) => {
    if (node.declaration?.type !== 'ClassDeclaration') return []
    const comment = comments.findLast(({ end }) => end <= node.start && text.slice(end, node.start).trim() === '')
    const { '': cause = '', remedy, category } = tagsOf(comment?.value ?? '')
    if (remedy === undefined) return []
    // A base has the codes of those that extend it as well: its own comes first.
    const [code] = /ERR_BUILDJAIL_\w+/.exec(text.slice(node.start, node.end)) ?? []
    return [{ name: node.declaration.id.name, code, category, cause, remedy }]
  })
}

/** The parts of a docstring by their tags; what stands before the first has none. */
function tagsOf(comment) {
  const words = comment.split('\n').map((line) => line.replace(/^\s*\*+ ?/, '').trim()).filter((line) => line !== '')
  const tags = { '': [] }
  let tag = ''
  for (const line of words) {
    const [, name, rest = ''] = /^@(\w+) ?(.*)$/.exec(line) ?? []
    if (name !== undefined) {
      tag = name
      tags[tag] = []
    }
    tags[tag].push(name === undefined ? line : rest)
  }
  return Object.fromEntries(Object.entries(tags).map(([name, lines]) => [name, lines.join(' ').trim()]))
}
