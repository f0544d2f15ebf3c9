// `npm run bench`: every case in a process of its own, a table of each, and at the end what is claimed and whether it holds.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { preflight } from '../dist/index.js'
import { casesOn } from './cases/index.mjs'
import { compileFloor } from './floor/compile.mjs'
import { describeMachine } from './machine.mjs'
import { NotMeasured } from './measure/not-measured.mjs'
import { readOptions, usage } from './options.mjs'
import { ratiosOf } from './ratios.mjs'
import { pageOf } from './report/page.mjs'
import { progressLine } from './report/progress.mjs'
import { resultsJson } from './report/json.mjs'
import { caseText, ratiosText } from './report/text.mjs'
import { runCase } from './run-case.mjs'

const cases = casesOn(process.platform)
try {
  const options = readOptions(process.argv.slice(2), cases.map(({ name }) => name))
  if (options.isHelp) console.log(usage)
  else process.exitCode = await main(options)
} catch (error) {
  console.error(`bench: ${error.message}`)
  process.exitCode = 2
}

async function main(options) {
  const { isSupported, obstacles } = preflight()
  if (!isSupported) throw new Error(obstacles.map(({ problem, remedy }) => `${problem}; ${remedy}`).join('\n'))
  const machine = describeMachine()
  const results = { format: 1, isQuick: options.isQuick, machine, cases: await runCases(options, machine), ratios: [] }
  results.ratios = ratiosOf(results.cases, machine.system)
  if (options.json === '-') console.log(resultsJson(results, { isOneLine: true }))
  else if (options.json !== undefined) writeFileSync(options.json, resultsJson(results))
  if (options.html !== undefined) writeFileSync(options.html, pageOf(results))
  console.log(ratiosText(results.ratios))
  const hasFailed = results.cases.some(({ failed }) => failed !== undefined)
  return hasFailed || (options.hasBars && results.ratios.some(({ holds }) => !holds)) ? 1 : 0
}

async function runCases({ only, isQuick }, { isEmulated }) {
  const top = mkdtempSync(path.join(tmpdir(), 'buildjail-bench-'))
  try {
    const floor = floorIn(top)
    const chosen = cases.filter(({ name }) => only.includes(name))
    const done = []
    for (const [index, { name, title, axis }] of chosen.entries()) {
      const line = progressLine(`[${index + 1}/${chosen.length}] ${name}`)
      line.update(0)
      const began = performance.now()
      const folder = mkdtempSync(path.join(top, `${name}-`))
      const { notMeasured, ...result } = await runCase(name, { folder, floor, isQuick, isEmulated }, line.update)
      line.clear()
      // Of a case it is a reason, of its subjects one for each.
      const missing = typeof notMeasured === 'object' ? notMeasured : {}
      const seconds = (performance.now() - began) / 1000
      const one = { name, title, axis, seconds, ...result, missing, ...(typeof notMeasured === 'string' && { notMeasured }) }
      console.log(`${caseText(one)}\n`)
      done.push(one)
    }
    return done
  } finally {
    rmSync(top, { recursive: true, force: true })
  }
}

function floorIn(folder) {
  try {
    return compileFloor(folder)
  } catch (error) {
    if (!(error instanceof NotMeasured)) throw error
    return { notMeasured: error.message }
  }
}
