// On this host, as root or not: each package manager installs the packages from a registry of them, and says nothing that is ours; a session
// works; and where no native code fits, what the error says compiles it as it is typed.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { temporaryFolder } from '../guest/clean-up.mjs'
import { runTool, workspaceOf } from '../guest/workspace.mjs'
import { program } from './program.mjs'

const { cacheFolder } = workspaceOf('install')

/** Packages of npm's registry, fetched once. */
const fetched = ['pnpm@12', '@yarnpkg/cli-dist@4', 'bun@1']

const node = process.execPath
const run = 'buildjail run -- echo in a session'
const managers = [
  { name: 'npm', install: ['npm', 'install', 'buildjail'], run: `npx ${run}` },
  { name: 'pnpm', install: ['pnpm', 'add', 'buildjail'], run: `pnpm exec ${run}` },
  { name: 'yarn', install: ['yarn', 'add', 'buildjail'], run: `yarn ${run}`, files: { 'yarn.lock': '', '.yarnrc.yml': 'nodeLinker: node-modules\n' } },
  // It warns of how it loads ES modules.
  { name: "yarn's Plug'n'Play", install: ['yarn', 'add', 'buildjail'], run: `yarn ${run}`, start: 'yarn node program.js', files: { 'yarn.lock': '' }, itsOwn: /YN0092|Done with warnings/ },
  { name: 'bun', install: ['bun', 'add', 'buildjail'], run: `bun run --bun ${run}` },
]

export function testManagers(registry) {
  const bin = programs()
  for (const manager of managers) {
    const project = projectIn(temporaryFolder(), registry, manager.files)
    const inside = (command, options) => shell(command, { project, bin, registry, ...options })
    const said = inside(manager.install.join(' '))
    const ours = said.split('\n').filter((line) => /warn|error|buildjail.*(?:script|peer|deprecat)/i.test(line) && manager.itsOwn?.test(line) !== true)
    if (ours.length > 0) throw new Error(`${manager.name} said about the package:\n${said}`)
    expectIn(inside(manager.run), /^in a session$/m, `${manager.name}: a run`)
    expectIn(inside(manager.start ?? 'node program.js'), /^built$/m, `${manager.name}: a program`)
    console.log(`${manager.name}: installed without a word about the package; a run and a program work`)
    if (manager.name === 'npm') compileAsTyped(project, inside)
  }
}

/** The package of the platform away, as where none is for the host: first nothing to compile with, then what there is on this host. */
function compileAsTyped(project, inside) {
  rmSync(path.join(project, 'node_modules', '@buildjail'), { recursive: true })
  const { obstacles } = JSON.parse(inside('npx buildjail doctor --json', { mayFail: true }))
  const typed = /^build the native code: (?<command>node \S+)$/.exec(obstacles[0].remedy)?.groups.command
  if (typed === undefined) throw new Error(`the remedy is no command: ${obstacles[0].remedy}`)
  expectIn(inside(`PATH=${path.dirname(node)}/nothing; ${typed.replace('node', node)}`, { mayFail: true }), /^buildjail: .*cannot be compiled here without a C\+\+20 compiler, .* then run this again\n$/, 'without a compiler')
  expectIn(inside(typed), /compiling its native code/, 'compiling')
  expectIn(inside('npx buildjail run -- echo in a session'), /^in a session$/m, 'a run with what was compiled')
  const left = readdirSync(path.join(project, 'node_modules', 'buildjail', 'build'), { recursive: true }).sort()
  if (left.join() !== 'Release,Release/buildjail-watch,Release/buildjail.node') throw new Error(`compiling left ${left.join(', ')}`)
  console.log('npm, without the package of the platform: what the error says to type names what is missing, and where nothing is, compiles it')
}

/** A folder of commands. */
function programs() {
  const folder = cacheFolder('managers')
  if (!existsSync(path.join(folder, 'node_modules'))) {
    writeFileSync(path.join(folder, 'package.json'), '{ "private": true }')
    runTool('npm', ['install', '--ignore-scripts', ...fetched], { cwd: folder })
    // It puts the program, which is a package of its platform, in its place.
    runTool(node, ['install.js'], { cwd: path.join(folder, 'node_modules', 'bun') })
  }
  const bin = temporaryFolder()
  for (const name of ['pnpm', 'bun']) symlinkSync(path.join(folder, 'node_modules', '.bin', name), path.join(bin, name))
  writeFileSync(path.join(bin, 'yarn'), `#!/bin/sh\nexec ${node} ${path.join(folder, 'node_modules', '@yarnpkg', 'cli-dist', 'bin', 'yarn.js')} "$@"\n`, { mode: 0o755 })
  return bin
}

function projectIn(folder, registry, files = {}) {
  const project = path.join(folder, 'project')
  mkdirSync(project)
  const own = { 'package.json': '{ "name": "project", "private": true, "type": "module" }', 'program.js': program, '.npmrc': `registry=${registry}\n`, ...files }
  for (const [name, text] of Object.entries(own)) writeFileSync(path.join(project, name), text)
  return project
}

/** @returns what it printed */
function shell(command, { project, bin, registry, mayFail = false }) {
  const home = path.join(path.dirname(project), 'home')
  mkdirSync(home, { recursive: true })
  const env = {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name))),
    PATH: `${bin}:${path.dirname(node)}:${process.env.PATH}`,
    HOME: home,
    npm_config_registry: registry,
    npm_config_cache: path.join(home, 'npm'),
    YARN_NPM_REGISTRY_SERVER: registry.replace(/\/$/, ''),
    YARN_UNSAFE_HTTP_WHITELIST: '127.0.0.1',
    YARN_GLOBAL_FOLDER: path.join(home, 'yarn'),
    YARN_ENABLE_TELEMETRY: '0',
    CI: '1',
  }
  delete env.NODE_OPTIONS
  const done = spawnSync('sh', ['-c', command], { cwd: project, env, encoding: 'utf8' })
  if (done.status !== 0 && !mayFail) throw new Error(`${command} failed (${done.signal ?? done.status})\n${done.stdout}${done.stderr}`)
  return `${done.stdout}${done.stderr}`
}

function expectIn(text, pattern, what) {
  if (!pattern.test(text)) throw new Error(`${what}: expected ${pattern}, got:\n${text}`)
}
