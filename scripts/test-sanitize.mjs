// `npm run test:sanitize`: the session suite with AddressSanitizer and UndefinedBehaviorSanitizer in the native code, and then
// LeakSanitizer over a thousand sessions. On Linux; takes cmake and the sanitizers' libraries, which come with gcc.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const sessions = 1000

/** The package with the sanitized addon where the loader looks first, so that what is installed here stays as it is. */
function makeWorkspace(folder) {
  for (const name of ['src', 'dist', 'test', 'examples', 'package.json', 'tsconfig.json']) {
    cpSync(path.join(root, name), path.join(folder, name), { recursive: true })
  }
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'))
  mkdirSync(path.join(folder, 'prebuilds'))
  const addon = path.join(root, 'build-sanitize', 'Release', 'buildjail.node')
  cpSync(addon, path.join(folder, 'prebuilds', `${process.platform}-${process.arch}.node`))
  // What is not ours: Node's own record of a value that was still waiting to be collected when the process ended.
  writeFileSync(path.join(folder, 'leaks.txt'), 'leak:napi_create_external\n')
}

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
const folder = mkdtempSync(path.join(tmpdir(), 'buildjail-sanitize-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
makeWorkspace(folder)

const environment = (isLooking) => ({
  ...process.env,
  LD_PRELOAD: sanitizerLibraries(),
  ASAN_OPTIONS: `detect_leaks=${isLooking ? 1 : 0}:malloc_context_size=20`,
  LSAN_OPTIONS: `suppressions=${path.join(folder, 'leaks.txt')}:print_suppressions=0`,
  UBSAN_OPTIONS: 'print_stacktrace=1',
})
const vitest = path.join(root, 'node_modules', 'vitest', 'vitest.mjs')
// How much memory is resident says nothing here; what of it is lost, LeakSanitizer says below.
const suite = ['test/session', 'test/linux', '--exclude', 'test/session/leaking.test.ts']
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
