// `npm run lint`: every check in order, all of them even after one has failed.
// `--allow-missing` skips the tools that are not installed.
import { existsSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { findTool } from './find-tool.mjs'
import { sysrootOrNothing } from './freebsd/locate.mjs'
import { clangTidy } from './lint/clang-tidy.mjs'
import { conformance } from './lint/conformance.mjs'
import { nativeFiles } from './lint/native-files.mjs'
import { machineTraces } from './lint/paths.mjs'
import { runTool } from './lint/run-tool.mjs'
import { securityPage } from './lint/security-page.mjs'
import { checkMutants } from './mutants/check.mjs'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const allowMissing = process.argv.includes('--allow-missing')

/** Each returns, or resolves with, `{ ok, output }`; or undefined where its tool is missing and may be. */
const checks = {
  tsc: typeCheck,
  oxlint: () => runTool(process.execPath, [path.join(root, 'node_modules', 'oxlint', 'bin', 'oxlint')], root),
  'clang-format': () => withTool('clang-format', formatCheck),
  conformance: () => conformance(root),
  'machine traces': () => machineTraces(root),
  'marks of defences': checkMutants,
  'security page': () => securityPage(root),
  // Last, because it takes most of the time.
  'clang-tidy': () => withTool('clang-tidy', (tool) => clangTidy(tool, root, sysrootOrNothing())),
}

async function typeCheck() {
  const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const projects = ['tsconfig.json', 'test/tsconfig.json', 'runner/tsconfig.json', 'runner/test/tsconfig.json', 'conformance/tsconfig.json', 'conformance/test/tsconfig.json', 'derivation/tsconfig.json', 'derivation/test/tsconfig.json'].filter((file) => existsSync(path.join(root, file)))
  const check = (project) => runTool(process.execPath, [tsc, '--noEmit', '-p', project], root)
  const results = await Promise.all(projects.map(check))
  return { ok: results.every((result) => result.ok), output: results.map((result) => result.output).join('') }
}

function formatCheck(tool) {
  const files = [...['native', 'runner/launch', 'test/faults/native'].flatMap((folder) => nativeFiles(root, folder, ['.cc', '.h'])), ...['bench', 'scripts'].flatMap((folder) => nativeFiles(root, folder, ['.c']))]
  return files.length === 0 ? { ok: true, output: '' } : runTool(tool, ['--dry-run', '-Werror', ...files], root)
}

function withTool(name, check) {
  const tool = findTool(name)
  if (tool !== undefined) return check(tool)
  if (allowMissing) return undefined
  return { ok: false, output: `${name} was not found; it comes with Debian's package ${name}-19\n` }
}

let failed = 0
for (const [name, check] of Object.entries(checks)) {
  const start = performance.now()
  const result = await check()
  const verdict = result === undefined ? 'skipped: not installed' : result.ok ? 'ok' : 'FAILED'
  console.log(`${name}: ${verdict} (${((performance.now() - start) / 1000).toFixed(1)} s)`)
  if (result === undefined || result.ok) continue
  failed += 1
  process.stdout.write(result.output)
}
if (failed > 0) process.exitCode = 1
