// The codes of errors as the sources have them: the class of each, and what the docstrings say.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { parseSync } from 'rolldown/experimental'

const source = fileURLToPath(new URL('../../src/errors.ts', import.meta.url))

/**
 * `{ name, code, category, cause, remedy }` of each member of a union of codes, whose `@class` is `name`; and of each class with a `@remedy` of its
 * own, whose codes are the system's, so that `code` is undefined.
 */
export function errorCodes() {
  const text = readFileSync(source, 'utf8')
  const { program, comments } = parseSync('errors.ts', text)
  const tagsBefore = (start) => tagsOf(comments.findLast(({ end }) => end <= start && /^[\s|]*$/.test(text.slice(end, start)))?.value ?? '')
  return program.body.flatMap(({ start, declaration }) => {
    const { '': cause = '', class: name, category, remedy } = tagsBefore(start)
    if (declaration?.type === 'ClassDeclaration') return remedy === undefined ? [] : [{ name: declaration.id.name, code: undefined, category, cause, remedy }]
    if (declaration?.type !== 'TSTypeAliasDeclaration' || name === undefined) return []
    const members = declaration.typeAnnotation.type === 'TSUnionType' ? declaration.typeAnnotation.types : [declaration.typeAnnotation]
    return members.map((member) => {
      const { '': because = '', remedy: toDo = '' } = tagsBefore(member.start)
      return { name, code: member.literal.value, category, cause: because, remedy: toDo }
    })
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
