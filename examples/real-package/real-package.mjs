// SQLite, compiled and linked by several processes of one session, and again on the host: the program is the same.
//   npm run real-package      or, where there is Bun instead of Node:      bun examples/real-package/real-package.mjs
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { openSession } from '../../dist/index.js'
import { canOpenSessions, missingCompiler } from '../missing.mjs'
import { buildBoth } from './both.mjs'

if (canOpenSessions()) {
  const folder = mkdtempSync(path.join(tmpdir(), 'buildjail-real-package-'))
  try {
    print(await buildBoth(openSession, folder))
  } catch (error) {
    const missing = missingCompiler(error) ?? missingSource(error)
    if (missing === undefined) throw error
    console.error(missing)
    process.exitCode = 1
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function print({ session, host, saidOnHost }) {
  printBuild('in a session', session)
  console.log(`  on the host: ${saidOnHost}\n`)
  printBuild('on the host', host)
  const isSame = session.sha256 === host.sha256 && new Set([session.said, host.said, saidOnHost]).size === 1
  console.log(isSame ? '\nidentical' : '\nDIFFERENT')
  if (!isSame) process.exitCode = 1
}

function printBuild(where, { steps, sha256, said }) {
  console.log(where)
  for (const { command, startMs, endMs } of steps) console.log(`  ${seconds(startMs)} to ${seconds(endMs)} s  ${command}`)
  console.log(`  sha256 ${sha256}\n  runs there:  ${said}`)
}

function seconds(ms) {
  return (ms / 1000).toFixed(2).padStart(5)
}

function missingSource(error) {
  if (error.code !== 'MODULE_NOT_FOUND') return undefined
  return 'the sources of SQLite are not installed (npm install --include=dev)'
}
