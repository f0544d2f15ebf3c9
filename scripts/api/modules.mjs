// A source file as its users see it: the declarations in it, and where the names come from that they use.
import { readFileSync } from 'node:fs'
import path from 'node:path'

import { isolatedDeclarationSync, parseSync } from 'rolldown/experimental'

/** `{ declared, imported, exported, starred }` of a file, by names. */
export function readModule(file) {
  const { code, errors } = isolatedDeclarationSync(file, readFileSync(file, 'utf8'), { stripInternal: true })
  if (errors.length > 0) throw new Error(`${file}: ${errors[0].message}`)
  const { program, comments } = parseSync('module.d.ts', code)
  const module = { declared: new Map(), imported: new Map(), exported: new Map(), starred: [] }
  const declare = (node, isExported) => {
    for (const name of namesOf(node)) {
      module.declared.set(name, [...(module.declared.get(name) ?? []), { text: textOf(code, node, comments), used: identifiersIn(node) }])
      if (isExported) module.exported.set(name, { name })
    }
  }
  const from = (source) => (source.value.startsWith('.') ? path.resolve(path.dirname(file), source.value) : undefined)
  for (const node of program.body) {
    if (node.type === 'ImportDeclaration') {
      for (const { local, imported } of node.specifiers) module.imported.set(local.name, { file: from(node.source), name: imported?.name ?? '*' })
    } else if (node.type === 'ExportAllDeclaration') module.starred.push(from(node.source))
    else if (node.type !== 'ExportNamedDeclaration') declare(node, false)
    else if (node.declaration !== null) declare(node.declaration, true)
    else {
      for (const { local, exported } of node.specifiers) {
        module.exported.set(exported.name, { name: local.name, ...(node.source === null ? {} : { file: from(node.source) }) })
      }
    }
  }
  return module
}

function namesOf(node) {
  return node.type === 'VariableDeclaration' ? node.declarations.map(({ id }) => id.name) : [node.id.name]
}

/** Without its comments, which may say the same in other words tomorrow. */
function textOf(code, { start, end }, comments) {
  let text = ''
  let at = start
  for (const comment of comments) {
    if (comment.start < start || comment.end > end) continue
    text += code.slice(at, comment.start)
    at = comment.end
  }
  text += code.slice(at, end)
  return text.split('\n').map((line) => line.trimEnd()).filter((line) => line !== '').join('\n').replace(/^declare /, '')
}

/** Names that a declaration refers to, without those that it gives: of members, parameters and labels. */
function identifiersIn(node, found = new Set()) {
  if (Array.isArray(node)) for (const one of node) identifiersIn(one, found)
  else if (typeof node === 'object' && node !== null) {
    if (node.type === 'Identifier' && !node.typeAnnotation) found.add(node.name)
    for (const [key, value] of Object.entries(node)) if (!isGiven(node, key)) identifiersIn(value, found)
  }
  return found
}

function isGiven(node, key) {
  return key === 'id' || key === 'label' || (key === 'key' && node.computed !== true) || (key === 'name' && node.type === 'TSTypeParameter')
}
