// `npm run bench`, and `buildjail bench`: every case in a process of its own, a table of each, and at the end what is claimed and,
// where that is asked for, whether it holds.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { preflight } from '../dist/index.js'
import { casesOn } from './cases/index.mjs'
import { describeMachine, hasBars, lacking } from './machine.mjs'
import { readOptions } from './options.mjs'
import { isFailure, ratiosOf } from './ratios.mjs'
import { pageOf } from './report/page.mjs'
import { format, resultsJson, summaryOf } from './report/results.mjs'
import { caseMarkdown, claimsMarkdown } from './report/tables.mjs'
import { runCase } from './run-case.mjs'

const cases = casesOn(process.platform)
try {
  process.exitCode = await main(readOptions(process.argv.slice(2), cases))
} catch (error) {
  console.error(`buildjail: ${error.message}`)
  process.exitCode = 125
}

async function main(options) {
  const { isSupported, obstacles } = preflight()
  if (!isSupported) throw new Error(obstacles.map(({ problem, remedy }) => `${problem}; ${remedy}`).join('\n'))
  for (const file of [options.record, options.page]) if (file !== undefined && file !== '-') mkdirSync(path.dirname(file), { recursive: true })
  const machine = describeMachine()
  const measured = await runCases(options)
  const ratios = ratiosOf(measured, { isJudged: options.hasBars && hasBars(machine), lacks: lacking() })
  const results = { format, isQuick: options.isQuick, machine, cases: measured.map(summaryOf), ratios }
  if (options.record === '-') console.log(JSON.stringify(results))
  else if (options.record !== undefined) writeFileSync(options.record, resultsJson(results))
  if (options.page !== undefined) writeFileSync(options.page, pageOf(results))
  console.log(claimsMarkdown(results))
  const hasFailed = measured.some(({ failed }) => failed !== undefined)
  return hasFailed || ratios.some(isFailure) ? 1 : 0
}

async function runCases({ only, isQuick }) {
  const top = mkdtempSync(path.join(tmpdir(), 'buildjail-bench-'))
  try {
    const done = []
    for (const { name, title } of cases.filter((one) => only.includes(one.name))) {
      // At a terminal there is something to see before the first table.
      if (process.stderr.isTTY) process.stderr.write(`${name} (${done.length + 1} of ${only.length}) ...\n`)
      const folder = path.join(top, name)
      mkdirSync(folder)
      const one = { name, title, ...(await runCase(name, { folder, isQuick })) }
      console.log(`${caseMarkdown(summaryOf(one))}\n`)
      done.push(one)
    }
    return done
  } finally {
    rmSync(top, { recursive: true, force: true })
  }
}
