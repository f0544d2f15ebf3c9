// TypeDoc reads `[file: string, ...args: string[]]` without its dots: here the sources are asked for them.
import { makeRecursiveVisitor } from 'typedoc'
import ts from 'typescript'

/** Gives each rest element of a tuple its dots, as a part of its name, once all is read. */
export function markRestElements(context) {
  for (const reflection of Object.values(context.project.reflections)) {
    const members = membersIn(reflection.type)
    const nodes = (context.getSymbolFromReflection(reflection)?.declarations ?? []).flatMap(nodesIn)
    if (nodes.length !== members.length) {
      if (members.length > 0 && nodes.some(isRest)) throw new Error(`${reflection.getFullName()}: the rest elements of its tuples cannot be told`)
      continue
    }
    for (const [index, node] of nodes.entries()) if (isRest(node)) members[index].name = `...${node.name.text}`
  }
}

const isRest = (node) => node.dotDotDotToken !== undefined

/** Of the type as TypeDoc has it, in the order of the text. */
function membersIn(type) {
  const found = []
  type?.visit(makeRecursiveVisitor({ namedTupleMember: (member) => found.push(member) }))
  return found
}

/** The same, as they are written. */
function nodesIn(declaration) {
  const found = []
  const visit = (node) => {
    if (ts.isNamedTupleMember(node)) found.push(node)
    ts.forEachChild(node, visit)
  }
  visit(declaration)
  return found
}
