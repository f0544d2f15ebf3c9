// `npm run bench:docs`: puts the claims of bench/results/*.json into docs/performance.md, and all their tables into Markdown
// beside them. `--check` writes nothing, and exits with 1 where something would be written.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { pageMarkdown, withFigures } from './report/tables.mjs'

const fileAt = (name) => fileURLToPath(new URL(name, import.meta.url))
const contentOf = (file) => (existsSync(file) ? readFileSync(file, 'utf8') : undefined)

function resultsOf(name) {
  const json = contentOf(fileAt(`results/${name}.json`))
  return json === undefined ? undefined : JSON.parse(json)
}

const document = fileAt('../docs/performance.md')
const pages = [[document, withFigures(readFileSync(document, 'utf8'), resultsOf)]]
for (const name of ['linux', 'freebsd']) {
  const results = resultsOf(name)
  if (results !== undefined) pages.push([fileAt(`results/${name}.md`), pageMarkdown(results)])
}
for (const [file, content] of pages) {
  if (contentOf(file) === content) continue
  console.log(file)
  if (process.argv.includes('--check')) process.exitCode = 1
  else writeFileSync(file, content)
}
