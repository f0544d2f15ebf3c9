// `judge.mjs LIST`, in the package's folder: runs the named tests with every defence on, then with each off in turn, and prints
// what failed. Exits with 1 when a test fails with all defences on, or a defence is off and no test fails, or it could not be built without, or
// none of its tests is run here.
import { copyFileSync, mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import path from 'node:path'

import { watcherOf } from '../addon-workspace.mjs'
import { artefactHere } from '../prebuilds/here.mjs'
import { isTitled, patternOf } from './titles.mjs'

const minutes = 60_000
/** For the tests of all defences in one run. An emulated processor needs longer. */
const boundOfAll = process.env.BUILDJAIL_IN_GUEST === undefined ? 20 * minutes : 60 * minutes
const { addon, mutants } = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const loaded = path.join('prebuilds', artefactHere().addon)
const watching = path.join('prebuilds', artefactHere().watcher)
// Without some defences no session opens at all, and that is to be noticed too (test/session/kernel.ts).
process.env.BUILDJAIL_TEST_SESSIONS = 'required'
// In the package's folder, which is ours alone, as /tmp is not.
const report = path.resolve('mutants/report.json')
mkdirSync('prebuilds', { recursive: true })

/** Where no test has failed and their file has, a hook kept them from running. A test that is still pending was ended with its process. */
function resultsOf({ status, message, assertionResults }) {
  const isByHook = status === 'failed' && !assertionResults.some((one) => one.status === 'failed')
  const why = isByHook ? message : 'its process ended'
  return assertionResults.map((one) => (one.status === 'pending' || (isByHook && one.status !== 'passed') ? { ...one, status: 'failed', failureMessages: [why] } : one))
}

/** One title may be that of several cases; of one that failed also why, in a line. */
function outcomeOf(results) {
  const worst = results.find(({ status }) => status === 'failed') ?? results.find(({ status }) => status !== 'passed') ?? results[0]
  const [why = ''] = worst?.failureMessages?.[0]?.split('\n') ?? []
  return { status: worst?.status ?? 'missing', why: why.slice(0, 120) }
}

/** Title to outcome, of those tests. Undefined where vitest did not get as far as a report. */
function run(tests, timeout = 10 * minutes) {
  rmSync(report, { force: true })
  const files = [...new Set(tests.map(([file]) => file))]
  const titles = `(${[...new Set(tests.map(([, title]) => patternOf(title)))].join('|')})`
  const bun = process.versions.bun === undefined ? [] : ['--bun']
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--root', '.', '--config', 'test/vitest.config.ts']
  const args = [...bun, ...vitest, '--reporter=json', `--outputFile=${report}`, '-t', titles, ...files]
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout, killSignal: 'SIGKILL', maxBuffer: 64 << 20 })
  try {
    const results = JSON.parse(readFileSync(report, 'utf8')).testResults.flatMap(resultsOf)
    return new Map(tests.map(([, title]) => [title, outcomeOf(results.filter((one) => isTitled(one.title, title)))]))
  } catch {
    console.error(`${stdout}${stderr}`)
    return undefined
  }
}

/** Puts an addon, and the watcher beside it, in the place from where the tests load them. */
function load(one) {
  for (const [from, to] of [[one, loaded], [watcherOf(one), watching]]) {
    // Removed first: a file that is loaded somewhere is not to be written to.
    rmSync(to, { force: true })
    copyFileSync(from, to)
  }
}

/** With this defence off, and everything as it was afterwards. */
function runWithout(mutant) {
  if (mutant.addon !== undefined) {
    load(mutant.addon)
    try {
      return run(mutant.tests)
    } finally {
      load(addon)
    }
  }
  const before = Object.keys(mutant.files).map((file) => [file, readFileSync(file, 'utf8')])
  put(Object.entries(mutant.files))
  try {
    return run(mutant.tests)
  } finally {
    put(before)
  }
}

/** Some tests have the runner, or the command line, in processes of their own, as they were compiled. */
function put(files) {
  for (const [file, text] of files) {
    const { atime, mtime } = statSync(file)
    writeFileSync(file, text)
    // The other tests have it from its source. They would refuse a dist/ that is older (test/vitest.config.ts).
    utimesSync(file, atime, mtime)
  }
  // What is without a defence may well have a variable that nobody reads: it is compiled all the same.
  if (files.some(([file]) => file.startsWith('runner/'))) spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'runner/tsconfig.json'])
  // The guest has no esbuild, and no mutant of the command line.
  if (process.versions.bun === undefined && files.some(([file]) => file.startsWith('src/'))) spawnSync(process.execPath, ['scripts/cli/main.mjs'])
}

load(addon)
let wrong = 0
const all = run(mutants.flatMap(({ tests }) => tests), boundOfAll) ?? new Map()
const notPassed = [...all].filter(([, { status }]) => status !== 'passed')
if (all.size === 0 || notPassed.length > 0) wrong++
console.log(`with every defence on: ${all.size - notPassed.length} of ${all.size} named tests pass`)
for (const [title, { status, why }] of notPassed) console.log(`    ${status}: ${title}: ${why}`)

for (const mutant of mutants) {
  if (mutant.isUnbuilt) {
    wrong++
    console.log(`NOT BUILT ${mutant.defence}`)
    continue
  }
  // Where none of its tests runs here, nothing can notice.
  if (mutant.tests.every(([, title]) => all.get(title)?.status === 'skipped')) {
    wrong++
    console.log(`NOT JUDGED ${mutant.defence}`)
    continue
  }
  const outcome = runWithout(mutant)
  const failed = [...(outcome ?? [])].filter(([, { status }]) => status === 'failed')
  if (failed.length === 0) wrong++
  console.log(`${failed.length > 0 ? 'noticed ' : 'SURVIVED'}  ${mutant.defence}`)
  for (const [title, { why }] of failed) console.log(`              by: ${title}\n                  ${why}`)
  if (failed.length === 0) for (const [title, { status }] of outcome ?? []) console.log(`              ${status}: ${title}`)
}
rmSync(report, { force: true })
console.log(`${mutants.length} defences, each switched off in turn: ${wrong === 0 ? 'every one is noticed' : 'see above'}`)
process.exitCode = wrong === 0 ? 0 : 1
