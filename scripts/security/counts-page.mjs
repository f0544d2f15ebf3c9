// docs/shared-counts.md: a table a system, between its marks.
import { table } from '../../bench/report/table.mjs'
import { everyDefence } from '../mutants/defences/index.mjs'
import { marksIn, readSources } from '../mutants/marks.mjs'
import { isTitled } from '../mutants/titles.mjs'
import { sharedCounts } from './shared-counts.mjs'

const begin = (platform) => `<!-- begin ${platform}, by npm run counts -->\n`
const end = (platform) => `<!-- end ${platform} -->`

export function pageWith(page, platform, text) {
  const [before, rest] = page.split(begin(platform))
  return `${before}${begin(platform)}${text}${rest.slice(rest.indexOf(end(platform)))}`
}

/** Where the code holds the bound of a count, and the test: files. */
function heldBy({ defence, file, test }, marks) {
  if (defence === undefined) return { files: file === undefined ? [] : [file], tests: test === undefined ? [] : [test] }
  const { off, tests } = everyDefence.find((one) => one.defence === defence)
  return { files: Object.keys(off).map((mark) => marks.get(mark)[0].file), tests }
}

/** What is wrong with the list of counts: it names a defence or a test, and none is called so. */
export function wrongCounts(tests) {
  const rows = Object.values(sharedCounts).flat()
  const withoutDefence = rows.filter(({ defence }) => defence !== undefined && everyDefence.every((one) => one.defence !== defence))
  const withoutTest = rows.filter(({ test: [file, title] = [] }) => file !== undefined && tests.every((test) => test.file !== file || !isTitled(title, test.title)))
  return [
    ...withoutDefence.map(({ count, defence }) => `scripts/security/shared-counts.mjs: ${count} has no such defence: "${defence}"`),
    ...withoutTest.map(({ count, test: [file, title] }) => `scripts/security/shared-counts.mjs: ${count}: ${file} has no test "${title}"`),
  ]
}

const code = (file) => `\`${file}\``

/** @param figures by the caller, then by the count */
export function countsMarkdown(platform, figures) {
  const marks = marksIn(readSources())
  const callers = Object.keys(figures)
  const told = (figure, unit) => {
    if (figure === undefined) return 'not measured'
    const { took, before, during, after } = figure
    return `${took}: ${before === undefined || before === null ? 'not shown' : `${before}, ${during}, ${after}${unit === undefined ? '' : ` ${unit}`}`}`
  }
  const lines = sharedCounts[platform].map((row) => {
    const { files, tests } = heldBy(row, marks)
    const names = [...new Set(tests.map(([file]) => file))]
    return [
      row.count, row.of, row.bound, [...new Set(files)].map(code).join(', '), names.map(code).join(', '),
      row.shows === undefined ? 'room' : row.shows === null ? '' : 'taken',
      ...callers.map((caller) => told(figures[caller][row.count], row.unit)),
    ]
  })
  return `${table(['count', 'of', 'bound of one session', 'held in', 'tested in', 'figure', ...callers], lines)}\n`
}
