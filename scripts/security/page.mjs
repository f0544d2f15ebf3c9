// The table of tests in docs/security.md, made from the marks in the tests and from the list of defences.
import { readFileSync } from 'node:fs'
import path from 'node:path'

import { everyDefence } from '../mutants/defences/index.mjs'
import { isTitled } from '../mutants/titles.mjs'
import { wrongCounts } from './counts-page.mjs'
import { allTests } from './tests.mjs'

export const pageOf = (root) => path.join(root, 'docs', 'security.md')

/** What stands above the table, with which the page ends. */
const begin = '<!-- made by npm run security:docs -->\n'

/** The page with the table as the tests have it now. Throws an error that lists what is wrong with either. */
export function renewed(root) {
  const page = readFileSync(pageOf(root), 'utf8')
  const tests = allTests(root)
  const wrong = [...complaintsOf(promisesOf(page), tests, everyDefence), ...wrongCounts(tests)]
  const [before, table] = page.split(begin)
  if (table === undefined) wrong.push(`docs/security.md has no line ${begin.trim()}`)
  if (wrong.length > 0) throw new Error(wrong.join('\n'))
  return `${before}${begin}${tableOf(tests, everyDefence)}`
}

/** The numbers of the promises, in the order of the page: a promise begins a line with its number. */
export function promisesOf(page) {
  const [, promised = ''] = /\n## What a session promises\n(.*?)\n## /s.exec(page) ?? []
  return [...promised.matchAll(/^(\d+)\. \S/gm)].map(([, number]) => Number(number))
}

export function complaintsOf(promises, tests, mutants) {
  const wrong = []
  if (promises.length === 0 || promises.some((number, index) => number !== index + 1)) wrong.push(`docs/security.md numbers its promises ${promises.join(', ')}`)
  for (const number of promises) if (!tests.some((test) => test.promises.includes(number))) wrong.push(`promise ${number} has no test`)
  for (const { file, title, promises: named } of tests) for (const number of named) if (!promises.includes(number)) wrong.push(`${file}: "${title}" names promise ${number}, which docs/security.md does not have`)
  for (const { defence, tests: named } of mutants) {
    if (named.length === 0) wrong.push(`the defence "${defence}" has no test`)
    for (const [file, title] of named) if (!tests.some((test) => test.file === file && isTitled(title, test.title))) wrong.push(`the defence "${defence}" names a test that ${file} does not have: "${title}"`)
  }
  return wrong
}

function tableOf(tests, mutants) {
  const numbers = [...new Set(tests.flatMap(({ promises }) => promises))].toSorted((one, other) => one - other)
  const lines = numbers.map((number) => {
    const holding = tests.filter(({ promises }) => promises.includes(number))
    const files = [...new Set(holding.map(({ file }) => `\`${file}\``))]
    const switched = mutants.filter((mutant) => mutant.tests.some(([file, title]) => holding.some((test) => test.file === file && isTitled(title, test.title))))
    return `${number} | ${files.join(', ')} | ${switched.length}\n`
  })
  return `promise | tests | defences\n---|---|---\n${lines.join('')}`
}
