// The cases of conformance/ and the two pages about them: each case has a name of its own and says where its behaviour is documented, and the pages name
// the cases that there are. It reads what `npm run build` compiled.
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { isDeepStrictEqual } from 'node:util'

import { page, withTables } from '../../conformance/scripts/tables.mjs'

const citation = /^(?:[\w.]+\(\d\w*\)|(?:sys|lib|tests|contrib)\/[\w/.-]+|sysctl )/

/** Returns `{ ok, output }`. */
export async function conformance(root) {
  const compiled = path.join(root, 'conformance/dist/cases.js')
  if (!existsSync(compiled)) return { ok: false, output: `${compiled} is missing: npm run build\n` }
  const { groups, cases } = await import(compiled)
  const found = [...doubles(groups.map(({ name }) => name)), ...doubles(cases.map(({ id }) => id)), ...cases.flatMap(faultsOf), ...faultsOfPages(root, groups, cases)]
  return { ok: found.length === 0, output: found.map((line) => `${line}\n`).join('') }
}

function doubles(names) {
  return names.filter((name, index) => names.indexOf(name) !== index).map((name) => `conformance: two have the name ${name}`)
}

function faultsOf({ id, title, cites, deviation, expected }) {
  const faults = []
  if (!/^[a-z0-9-]+\/[\w.-]+$/.test(id) || title === '') faults.push('needs a name of letters, digits and -, and a title')
  if (cites.length === 0) faults.push('does not say where its behaviour is documented')
  for (const one of [...cites, ...(deviation?.cites ?? [])]) if (!citation.test(one)) faults.push(`cites ${one}, which is neither a manual page nor a file of the source`)
  if (deviation !== undefined && isDeepStrictEqual(deviation.seen, expected)) faults.push('lists a deviation that is what is expected')
  return faults.map((fault) => `conformance: case ${id} ${fault}`)
}

function faultsOfPages(root, groups, cases) {
  const text = readFileSync(page, 'utf8')
  const faults = withTables(text, groups) === text ? [] : ['docs/freebsd/conformance.md: its tables are not those of the cases: npm run docs:conformance']
  const known = new Set(cases.map(({ id }) => id))
  const [matched = ''] = readFileSync(path.join(root, 'docs/freebsd/in-tree-tests.md'), 'utf8').split('## What is not here')
  for (const row of matched.split('\n').filter((line) => /^\| (?:tests|usr|lib|contrib)/.test(line))) {
    const ids = [...(row.split('|')[3] ?? '').matchAll(/`([^`]+)`/g)].map(([, id]) => id)
    const wrong = ids.length === 0 ? ['none'] : ids.filter((id) => !known.has(id))
    faults.push(...wrong.map((id) => `docs/freebsd/in-tree-tests.md: there is no case ${id}, which it names for ${row.split('|')[1].trim()}`))
  }
  return faults
}
