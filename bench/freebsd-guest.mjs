// `npm run bench:freebsd`: in a FreeBSD guest, under Bun, first the system calls of a build and of a run against the floor's, which is
// what is judged; then the cases, quick ones, whose times are printed only. What is found comes back over the console as lines
// of JSON.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import { crossCompile } from '../scripts/freebsd/cross-compile.mjs'
import { temporaryFolder } from '../scripts/guest/clean-up.mjs'
import { locateFreebsd } from '../scripts/freebsd/locate.mjs'
import { requireTool, runMain } from '../scripts/guest/not-run.mjs'
import { shellWords } from '../scripts/guest/shell-words.mjs'
import { freebsdTarget } from '../scripts/freebsd/target.mjs'
import { compileCountingFloor } from './calls/compile.mjs'
import { casesOn } from './cases/index.mjs'
import { revision } from './machine.mjs'
import { readOptions } from './options.mjs'
import { resultsJson } from './report/results.mjs'

await runMain(() => main(readOptions(process.argv.slice(2), casesOn('freebsd'))))

async function main({ hasBars, record, only }) {
  const runner = fileURLToPath(new URL('run-in-guest.mjs', import.meta.url))
  const child = spawn(process.execPath, [runner, lineFor(hasBars, only), countingPrograms()], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // The parent of 2 GB has to fit.
    env: { BUILDJAIL_FREEBSD_MEMORY: '4096', ...process.env },
  })
  const ended = once(child, 'close')
  let results = {}
  for await (const text of createInterface({ input: child.stdout })) {
    if (/^\{"(format|calls)":/.test(text)) results = { ...JSON.parse(text), ...results }
    else console.log(text)
  }
  if (record !== undefined) writeFileSync(record === '-' ? 1 : record, resultsJson(results))
  return (await ended)[0] ?? 1
}

/** A folder to be put into the package's: the addon and the floor program that count their calls. */
function countingPrograms() {
  const { sysroot } = locateFreebsd()
  const folder = temporaryFolder()
  const counting = path.join(folder, 'counting')
  mkdirSync(counting)
  copyFileSync(crossCompile(sysroot, { faults: true }), path.join(counting, 'freebsd-x64.node'))
  const target = freebsdTarget(sysroot)
  const cc = [requireTool('clang', 'clang-19'), ...target]
  const cxx = [requireTool('clang++', 'clang-19'), ...target, '-stdlib=libc++', `--ld-path=${requireTool('ld.lld', 'lld-19')}`]
  compileCountingFloor(counting, { system: 'freebsd', cc, cxx })
  return folder
}

/** The addon that counts is where the loader looks, and then the ordinary one again. */
function lineFor(hasBars, only) {
  const cases = shellWords(['--record', '-', ...only.flatMap((name) => ['--only', name])])
  return `cp prebuilds/freebsd-x64.node ordinary.node && cp counting/freebsd-x64.node prebuilds/ || exit 1
bun bench/calls/count.mjs counting/floor-counting ${hasBars ? '--bars' : ''}
counted=$?
cp ordinary.node prebuilds/freebsd-x64.node || exit 1
BUILDJAIL_BENCH_REVISION=${revision()} bun bench/main.mjs ${cases} || exit $?
exit $counted`
}
