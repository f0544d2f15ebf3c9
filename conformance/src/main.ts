#!/usr/bin/env node
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'

import { supported } from 'buildjail/freebsd'

import { groups } from './cases.ts'
import { pageOfReport } from './page.ts'
import { countOf, outcomeText, summaryText } from './report.ts'
import { chosen, runCases } from './run.ts'

const usage = `usage: buildjail-conformance [--only WORDS] [--page FILE] [--json]

Says whether this FreeBSD kernel does what its manual pages and source say about jails, mounts,
rulesets and limits. It needs root, makes jails and mounts of its own, and removes them, also
when it is killed.

  --only WORDS   only cases whose name or title has all of these words, as "nullfs file"
  --page FILE    write the report to FILE, as a page for a browser
  --json         print the report, and nothing else
  -h, --help     print this help

The exit status is 0; 1 if a case deviates and is not listed as known; 2 if the suite did not run.
`

const status = { conforms: 0, deviates: 1, didNotRun: 2 } as const

async function main(words: readonly string[]): Promise<number> {
  const { only = '', page, json = false, help = false } = optionsIn(words)
  if (help) {
    process.stdout.write(usage)
    return status.conforms
  }
  const wanted = only.split(/\s+/).filter((word) => word !== '')
  const chosenGroups = chosen(groups, wanted)
  if (chosenGroups.length === 0) throw new Error(`--only: no case has ${wanted.join(' and ')} in its name or title`)
  if (!supported) throw new Error('the suite needs FreeBSD')
  if (process.getuid?.() !== 0) throw new Error('the suite needs root')
  // A file that cannot be written is refused before the suite takes its minutes.
  if (page !== undefined) writeFileSync(page, '', { flag: 'a' })

  const say = (line: string): void => {
    if (!json) console.log(line)
  }
  const report = await runCases(chosenGroups, (outcome) => {
    if (outcome.verdict !== 'conforms') say(outcomeText(outcome, outcome.verdict === 'deviates' ? red : yellow))
  })
  if (page !== undefined) writeFileSync(page, pageOfReport(report, version()))
  const isGood = countOf(report).deviates === 0
  say((isGood ? green : red)(summaryText(report)))
  if (json) console.log(JSON.stringify(report, undefined, 2))
  return isGood ? status.conforms : status.deviates
}

interface Options {
  readonly only?: string | undefined
  readonly page?: string | undefined
  readonly json?: boolean | undefined
  readonly help?: boolean | undefined
}

function optionsIn(words: readonly string[]): Options {
  const options = { only: { type: 'string' }, page: { type: 'string' }, json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const
  return parseArgs({ args: [...words], options }).values
}

function version(): string {
  const { version: own } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { readonly version: string }
  return own
}

/** ECMA-48, SGR. `hasColors` reads NO_COLOR and FORCE_COLOR. */
const painted = (color: number) => (words: string): string =>
  process.stdout.isTTY && process.stdout.hasColors() ? `\x1b[${color}m${words}\x1b[39m` : words
const red = painted(31)
const green = painted(32)
const yellow = painted(33)

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  console.error(`buildjail-conformance: ${(error as Error).message}`)
  process.exitCode = status.didNotRun
}
