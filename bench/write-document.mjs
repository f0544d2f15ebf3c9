// `npm run bench:docs`: puts the claims of bench/results/*.json into docs/performance.md, and all their tables into Markdown
// beside them. `--check` writes nothing, and exits with 1 where something would be written.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { pageMarkdown, withFigures } from './report/tables.mjs'

const fileAt = (name) => fileURLToPath(new URL(name, import.meta.url))
const resultsOf = (name) => JSON.parse(readFileSync(fileAt(`results/${name}.json`), 'utf8'))
const makers = {
  '../docs/performance.md': (text) => withFigures(text, resultsOf),
  'results/linux.md': () => pageMarkdown(resultsOf('linux')),
  'results/freebsd.md': () => pageMarkdown(resultsOf('freebsd')),
}
for (const [name, make] of Object.entries(makers)) {
  const text = readFileSync(fileAt(name), 'utf8')
  const made = make(text)
  if (made === text) continue
  console.log(fileAt(name))
  if (process.argv.includes('--check')) process.exitCode = 1
  else writeFileSync(fileAt(name), made)
}
