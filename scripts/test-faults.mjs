// `npm run test:faults [-- VITEST ARGUMENTS]`: every system call of opening, launching and closing a session fails in turn, by
// each errno, and the host program is killed at each; on Linux, and by `npm run test:freebsd -- --faults` on FreeBSD. The
// addon is the tests' own build of the same sources (native/faults).
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { workspaceWith } from './addon-workspace.mjs'
import { checkFaultCalls } from './check-fault-calls.mjs'
import { buildInFolder } from './gyp-folder.mjs'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const vitest = path.join(root, 'node_modules', 'vitest', 'vitest.mjs')
const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc')

function runOrExit(args, cwd) {
  const { status, signal, error } = spawnSync(process.execPath, args, { cwd, stdio: 'inherit' })
  if (error !== undefined) throw error
  if (status === 0) return
  console.error(`${args.join(' ')}: ${signal ?? `exit code ${status}`}`)
  process.exit(1)
}

runOrExit([tsc, '-p', 'tsconfig.json'], root)
const addon = buildInFolder(path.join(root, 'build-faults'), { configure: ['--', '-Dfaults=1'] })
console.log(checkFaultCalls(addon, 'linux'))
const folder = workspaceWith(addon)
runOrExit([vitest, 'run', '--root', '.', '--config', 'test/faults/vitest.config.ts', ...process.argv.slice(2)], folder)
