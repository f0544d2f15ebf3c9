// The tables of docs/freebsd/conformance.md, made of the cases themselves.
import { loadSource } from '../load-source.mjs'

/** The groups of src/conformance/cases.ts. */
export const loadGroups = async () => (await loadSource("export { groups } from './src/conformance/cases.ts'")).groups

const cell = (text) => text.replaceAll('|', String.raw`\|`)
const seen = (value) => `\`${cell(typeof value === 'string' ? value : JSON.stringify(value))}\``
const tableOf = (head, rows) => [head, `|${'---|'.repeat(head.split('|').length - 2)}`, ...rows].join('\n')

/** The text of the page with both tables anew. */
export function withTables(page, groups) {
  const all = groups.flatMap(({ cases }) => cases)
  const deviations = all.filter(({ deviation }) => deviation !== undefined)
  const summary = tableOf(`| group | about | cases |`, [
    ...groups.map(({ name, title, cases }) => `| \`${name}\` | ${cell(title)} | ${cases.length} |`),
    `| | together | ${all.length} |`,
  ])
  const known = tableOf('| case | documented | what the kernel does | because |', deviations.map(({ id, title, expected, cites, deviation }) =>
    `| \`${id}\`: ${cell(title)} | ${seen(expected)}, ${cell(cites.join('; '))} | ${seen(deviation.seen)} | ${cell(deviation.because)} (${cell(deviation.cites.join('; '))}) |`))
  return replaced(replaced(page, 'What is looked at', summary), 'Known deviations', known)
}

/** The table that is first below a heading, or the comment in its place. */
function replaced(page, heading, table) {
  const [before, after] = page.split(`\n## ${heading}\n\n`)
  if (after === undefined) throw new Error(`no heading ${heading}`)
  return `${before}\n## ${heading}\n\n${table}\n${after.replace(/^(?:(?:\|.*|<!--.*-->)\n)+/, '')}`
}
