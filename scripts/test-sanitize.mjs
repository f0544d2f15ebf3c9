// `npm run test:sanitize`: the session suite with AddressSanitizer and UndefinedBehaviorSanitizer in the native code, and then
// LeakSanitizer over a thousand sessions. On Linux; takes cmake and the sanitizers' libraries, which come with gcc.
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

import { workspaceWith } from './addon-workspace.mjs'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const sessions = 1000

function runOrExit(file, args, options) {
  const { status, signal, error } = spawnSync(file, args, { stdio: 'inherit', ...options })
  if (error !== undefined) throw error
  if (status !== 0) {
    console.error(`${[file, ...args].join(' ')}: ${signal ?? `exit code ${status}`}`)
    process.exit(1)
  }
}

/** node is not sanitized, so what the addon needs of the sanitizers has to be there before it. */
function sanitizerLibraries() {
  const locate = (name) => spawnSync('gcc', [`-print-file-name=${name}`], { encoding: 'utf8' }).stdout.trim()
  return ['libasan.so', 'libubsan.so'].map(locate).join(':')
}

runOrExit('npx', ['cmake-js', 'build', '-O', 'build-sanitize', '--CDBUILDJAIL_SANITIZE=ON'], { cwd: root, env: { ...process.env, CC: 'gcc', CXX: 'g++' } })
const folder = workspaceWith(path.join(root, 'build-sanitize', 'Release', 'buildjail.node'))
// What is not ours: Node's own record of a value that was still waiting to be collected when the process ended.
writeFileSync(path.join(folder, 'leaks.txt'), 'leak:napi_create_external\n')

const environment = (isLooking) => ({
  ...process.env,
  LD_PRELOAD: sanitizerLibraries(),
  ASAN_OPTIONS: `detect_leaks=${isLooking ? 1 : 0}:malloc_context_size=20`,
  LSAN_OPTIONS: `suppressions=${path.join(folder, 'leaks.txt')}:print_suppressions=0`,
  UBSAN_OPTIONS: 'print_stacktrace=1',
})
const vitest = path.join(root, 'node_modules', 'vitest', 'vitest.mjs')
// How much memory is resident says nothing here; what of it is lost, LeakSanitizer says below.
const otherTests = '--testNamePattern=^(?!.*(does not grow with|in less than 200 MB))'
const excluded = [
  'test/session/leaking.test.ts',
  // What pages say is run as a user would, who preloads nothing.
  'test/session/pages.test.ts',
  // Its host program has an environment of its own, without these libraries.
  'test/session/attacks/unreadable-program.test.ts',
  // They ask rustc, which has an allocator of its own and hangs with these libraries before it.
  'test/linux/names-tools.test.ts',
  'test/linux/trace-strace.test.ts',
]
const suite = ['test/session', 'test/linux', otherTests, ...excluded.map((file) => `--exclude=${file}`)]
runOrExit(process.execPath, [vitest, 'run', '--root', '.', '--config', 'test/vitest.config.ts', ...suite], {
  cwd: folder,
  env: environment(false),
})

const script = `
  const { build } = await import(${JSON.stringify(pathToFileURL(path.join(folder, 'dist', 'index.js')).href)})
  for (let i = 0; i < ${sessions}; i++) await build({}, ['true'])
  gc()
`
runOrExit(process.execPath, ['--expose-gc', '--input-type=module', '-e', script], { cwd: folder, env: environment(true) })
console.log(`no report of AddressSanitizer or UndefinedBehaviorSanitizer, and no leak in ${sessions} sessions`)
