// `npm run test:real [-- [--record] VITEST ARGUMENTS]`: software as it is released is built and tested in sessions. It is fetched first, from
// Debian and from npm, and kept in node_modules/.cache. Root's sessions show files in another way than those of an ordinary user, so root
// runs it as both. With --record what the suites came to is put into test/real/results.json and docs/software.md.
// `npm run test:freebsd -- --real` runs what can be run in a FreeBSD guest.
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { installedAddon, workspaceWith } from './addon-workspace.mjs'
import { asNobody } from './as-nobody.mjs'
import { fetchForHost } from './real/fetched.mjs'
import { record } from './real/page.mjs'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const vitest = path.join(root, 'node_modules', 'vitest', 'vitest.mjs')
// The config is not to be written beside itself before it is read: that folder is another user's.
const suite = ['run', '--root', '.', '--configLoader', 'runner', '--config', 'test/real/vitest.config.ts', ...process.argv.slice(2).filter((word) => word !== '--record')]

function runOrExit(words, options) {
  const { status, signal, error } = spawnSync(process.execPath, words, { stdio: 'inherit', ...options })
  if (error !== undefined) throw error
  if (status === 0) return
  console.error(`${words.join(' ')}: ${signal ?? `exit code ${status}`}`)
  process.exit(1)
}

fetchForHost(root)

// Each caller's tests leave what their suites came to, and the second finds there what the first had outside.
const records = mkdtempSync(path.join(tmpdir(), 'buildjail-records-'))
process.on('exit', () => rmSync(records, { recursive: true, force: true }))
chmodSync(records, 0o1777)
process.env.BUILDJAIL_REAL_RECORDS = records

runOrExit([vitest, ...suite], { cwd: root })
if (process.geteuid() === 0) {
  console.log('and as an ordinary user:')
  const folderOfTheirs = workspaceWith(installedAddon())
  runOrExit([vitest, ...suite], { cwd: folderOfTheirs, ...asNobody(folderOfTheirs) })
}
if (process.argv.includes('--record')) record(root, records)
