// What the package exports, and every declaration of its own that this refers to, as one text. A change of it is a change for users.
import { readModule } from './modules.mjs'

/** `entry` is the path of a source file. */
export function reportOf(entry) {
  const modules = new Map()
  const moduleAt = (file) => {
    if (!modules.has(file)) modules.set(file, readModule(file))
    return modules.get(file)
  }

  /** Where a name of a file is declared; undefined for one that is not of this package. */
  const origin = (file, name) => {
    const { declared, imported } = moduleAt(file)
    if (declared.has(name)) return { file, name }
    const given = imported.get(name)
    return given?.file === undefined ? undefined : exportOf(given.file, given.name)
  }
  const exportOf = (file, name) => {
    const { exported, starred } = moduleAt(file)
    const found = exported.get(name)
    if (found !== undefined) return found.file === undefined ? origin(file, found.name) : exportOf(found.file, found.name)
    return starred.map((other) => exportOf(other, name)).find((one) => one !== undefined)
  }
  const exportsOf = (file) => {
    const { exported, starred } = moduleAt(file)
    return [...exported.keys(), ...starred.flatMap(exportsOf)]
  }

  const seen = new Map()
  const add = ({ file, name }, shown) => {
    const key = `${file} ${name}`
    if (seen.has(key)) return
    const declarations = moduleAt(file).declared.get(name)
    seen.set(key, { name: shown, text: declarations.map(({ text }) => text).join('\n'), isExported: shown !== undefined, own: name })
    for (const { used } of declarations) {
      for (const other of used) {
        const found = origin(file, other)
        if (found !== undefined) waiting.push(found)
      }
    }
  }
  const waiting = []
  const exported = exportsOf(entry).toSorted()
  for (const name of exported) add(exportOf(entry, name), name)
  while (waiting.length > 0) add(waiting.pop(), undefined)

  const all = [...seen.values()]
  const inOrder = (list) => list.toSorted((one, other) => (one.own < other.own ? -1 : one.own > other.own ? 1 : one.text < other.text ? -1 : 1)).map(({ text }) => `${text}\n`)
  const hidden = inOrder(all.filter(({ isExported }) => !isExported))
  return [...inOrder(all.filter(({ isExported }) => isExported)), ...(hidden.length === 0 ? [] : ['// Not exported, but referred to.\n', ...hidden])].join('\n')
}
