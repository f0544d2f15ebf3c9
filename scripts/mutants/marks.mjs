// `// defence: ID` in the code is a mark: what a mutant switches off is the statement below it, wherever that has gone.
import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { changeAt } from './operations.mjs'

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))))
const mark = /^[ \t]*\/\/ defence: (.*)$/gm

/** Every file of the product with its text, by its path in the package. */
export function readSources() {
  const found = ['native', 'src', 'runner/src', 'runner/launch'].flatMap((folder) =>
    readdirSync(path.join(root, folder), { recursive: true })
      .filter((name) => /\.(cc|c|h|ts)$/.test(name) && !name.includes('node_modules'))
      .map((name) => `${folder}/${name}`))
  return new Map(found.map((file) => [file, readFileSync(path.join(root, file), 'utf8')]))
}

/** Where each mark stands: `{ file, at }`, `at` being behind it. One that is there twice has two. */
export function marksIn(sources) {
  const marks = new Map()
  for (const [file, text] of sources) {
    for (const found of text.matchAll(mark)) marks.set(found[1], [...(marks.get(found[1]) ?? []), { file, at: found.index + found[0].length }])
  }
  return marks
}

/** The files that a mutant changes, with what is in them then. Throws where it fits the code no more. */
export function changedBy(mutant, sources, marks = marksIn(sources)) {
  const changes = new Map()
  for (const [id, how] of Object.entries(mutant.off)) {
    const places = marks.get(id) ?? []
    if (places.length !== 1) throw new Error(`its mark stands ${places.length} times in the code: // defence: ${id}`)
    const [{ file, at }] = places
    try {
      changes.set(file, [...(changes.get(file) ?? []), changeAt(file, sources.get(file), at, how)])
    } catch (error) {
      throw new Error(`${file}, below // defence: ${id}: ${error.message}`, { cause: error })
    }
  }
  return new Map([...changes].map(([file, some]) => [file, withChanges(sources.get(file), some)]))
}

/** From the last one on: none moves another. */
function withChanges(text, changes) {
  const backwards = changes.toSorted((one, other) => other.start - one.start)
  if (backwards.some(({ end }, i) => i > 0 && end > backwards[i - 1].start)) throw new Error('two marks of one mutant stand above the same statement')
  return backwards.reduce((changed, { start, end, text: into }) => changed.slice(0, start) + into + changed.slice(end), text)
}
