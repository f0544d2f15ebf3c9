// `npm run test:faults [-- VITEST ARGUMENTS]`: every system call of opening, launching and closing a session fails in turn, by
// each errno, and the host program is killed at each; on Linux, and by `npm run test:freebsd -- --faults` on FreeBSD. The
// addon is the tests' own build of the same sources (test/faults/native). Root's sessions and those of an ordinary user are made
// by different calls, so root runs it as both.
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { workspaceWith } from './addon-workspace.mjs'
import { asNobody } from './as-nobody.mjs'
import { checkFaultCalls } from './check-fault-calls.mjs'
import { buildInFolder } from './gyp-folder.mjs'
import { inOwnPlaces } from './own-places.mjs'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const vitest = path.join(root, 'node_modules', 'vitest', 'vitest.mjs')
const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc')

function runOrExit([program, ...args], options) {
  const { status, signal, error } = spawnSync(program, args, { stdio: 'inherit', ...options })
  if (error !== undefined) throw error
  if (status === 0) return
  console.error(`${[program, ...args].join(' ')}: ${signal ?? `exit code ${status}`}`)
  process.exit(1)
}

runOrExit([process.execPath, tsc, '-p', 'tsconfig.build.json'], { cwd: root })
const addon = buildInFolder(path.join(root, 'build-faults'), { configure: ['--', '-Dfaults=1'] })
console.log(checkFaultCalls(addon, 'linux'))
const folder = workspaceWith(addon)
// The config is not to be written beside itself before it is read: that folder is another user's.
const suite = [process.execPath, vitest, 'run', '--root', '.', '--configLoader', 'runner', '--config', 'test/faults/vitest.config.ts', ...process.argv.slice(2)]
// The calls that a session makes depend on what other sessions of the host have leased.
runOrExit(inOwnPlaces(suite), { cwd: folder })
if (process.geteuid() === 0) {
  console.log('and as an ordinary user:')
  runOrExit(suite, { cwd: folder, ...asNobody(folder) })
}
