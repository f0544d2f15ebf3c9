// `npm run docs:conformance`: writes the two tables of docs/freebsd/conformance.md, from the cases as `npm run build` compiled them.
// scripts/lint/conformance.mjs fails while they differ.
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'

export const page = path.resolve(import.meta.dirname, '..', '..', 'docs', 'freebsd', 'conformance.md')

const cell = (text) => text.replaceAll('|', String.raw`\|`)
const seen = (value) => `\`${cell(typeof value === 'string' ? value : JSON.stringify(value))}\``
const tableOf = (head, rows) => [head, `|${'---|'.repeat(head.split('|').length - 2)}`, ...rows].join('\n')

/** The text of the page with both tables made anew. */
export function withTables(text, groups) {
  const all = groups.flatMap(({ cases }) => cases)
  const deviations = all.filter(({ deviation }) => deviation !== undefined)
  const summary = tableOf(`| group | about | cases |`, [
    ...groups.map(({ name, title, cases }) => `| \`${name}\` | ${cell(title)} | ${cases.length} |`),
    `| | together | ${all.length} |`,
  ])
  const known = tableOf('| case | documented | what the kernel does | because |', deviations.map(({ id, title, expected, cites, deviation }) =>
    `| \`${id}\`: ${cell(title)} | ${seen(expected)}, ${cell(cites.join('; '))} | ${seen(deviation.seen)} | ${cell(deviation.because)} (${cell(deviation.cites.join('; '))}) |`))
  return withTable(withTable(text, 'The cases', summary), 'Known deviations', known)
}

/** Replaces the table directly below a heading, or the comment that stands in its place. */
function withTable(text, heading, table) {
  const [before, after] = text.split(`\n## ${heading}\n\n`)
  if (after === undefined) throw new Error(`${page} has no heading "${heading}"`)
  return `${before}\n## ${heading}\n\n${table}\n${after.replace(/^(?:(?:\|.*|<!--.*-->)\n)+/, '')}`
}

if (process.argv[2] === '--write') {
  const { groups } = await import('../dist/cases.js')
  writeFileSync(page, withTables(readFileSync(page, 'utf8'), groups))
}
