// Whether marks and mutants fit each other: found by reading, so in a second. scripts/security/page.mjs looks for their tests.
import { everyDefence } from './defences/index.mjs'
import { changedBy, marksIn, readSources } from './marks.mjs'

/** What does not fit, a line each. */
export function misfits(mutants = everyDefence, sources = readSources()) {
  const marks = marksIn(sources)
  const used = new Set(mutants.flatMap(({ off }) => Object.keys(off)))
  const unused = [...marks].filter(([id]) => !used.has(id)).map(([id, [{ file }]]) => `${file}: no mutant switches off // defence: ${id}`)
  return [...unused, ...mutants.flatMap((mutant) => misfitOf(mutant, sources, marks).map((what) => `${mutant.defence}: ${what}`))]
}

function misfitOf(mutant, sources, marks) {
  try {
    const changed = changedBy(mutant, sources, marks)
    if (new Set([...changed.keys()].map((file) => file.startsWith('native/'))).size > 1) return ['a mutant is either of native code or of TypeScript']
    return [...changed].filter(([file, text]) => text === sources.get(file)).map(([file]) => `it changes nothing in ${file}`)
  } catch (error) {
    return [error.message]
  }
}

/** A check of scripts/lint.mjs. */
export function checkMutants() {
  const found = misfits()
  return { ok: found.length === 0, output: found.map((line) => `${line}\n`).join('') }
}
