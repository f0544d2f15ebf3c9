// `npm run test:bazel`: Bazel, as npm has it, builds a project in C on a farm of justbuild whose actions go through buildjail-launch: the same bytes come out as
// without it, and an action that fails says why. Exits with 77, and says why, where something of it cannot be had.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { NotRun, runMain } from '../../scripts/guest/not-run.mjs'
import { Runner } from './churn/runner.mjs'
import { depthOfInputRoots, startFarm } from './farm.mjs'
import { greeting } from './greeting.mjs'
import { compileLaunch } from './launch-program.mjs'
import { must } from './must.mjs'

const version = '2.1.0'
const cache = path.join(fileURLToPath(new URL('../..', import.meta.url)), 'node_modules', '.cache', 'buildjail-bazel')

const rule = (name, srcs, out, cmd) => `genrule(name = "${name}", srcs = ${JSON.stringify(srcs)}, outs = ["${out}"], cmd = "${cmd}")\n`
const project = {
  WORKSPACE: '',
  ...greeting,
  // Rules of C are fetched from elsewhere.
  BUILD: [
    rule('greet', ['greet.c', 'greet.h'], 'greet.o', 'cc -O2 -c -o $@ $(location greet.c)'),
    rule('main', ['main.c', 'greet.h'], 'main.o', 'cc -O2 -c -o $@ $(location main.c)'),
    rule('hello', ['greet.o', 'main.o'], 'hello_program', 'cc -o $@ $(SRCS)'),
    rule('seen', [], 'seen.txt', 'pwd > $@; id -u >> $@'),
    rule('fails', [], 'never', 'echo it fails as it should >&2; exit 7'),
  ].join(''),
}

function bazel() {
  const file = path.join(cache, 'bazel')
  if (existsSync(file)) return file
  mkdirSync(cache, { recursive: true })
  writeFileSync(path.join(cache, 'package.json'), '{ "private": true }\n')
  const { status, stderr } = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', `@bazel/bazel@${version}`], { cwd: cache, encoding: 'utf8' })
  const found = path.join(cache, `node_modules/@bazel/bazel-linux_x64/bazel-${version}-linux-x86_64`)
  if (status !== 0 || !existsSync(found)) throw new NotRun(`npm has no Bazel ${version} for this machine: ${stderr.trim().split('\n').at(-1)}`)
  copyFileSync(found, file)
  chmodSync(file, 0o755)
  return file
}

await runMain(async () => {
  if (process.platform !== 'linux' || process.geteuid() !== 0) throw new NotRun('needs root on Linux')
  if (spawnSync('justbuild', ['version']).status !== 0) throw new NotRun("needs justbuild, of Debian's package justbuild")
  const program = bazel()
  const top = realpathSync(mkdtempSync(path.join(tmpdir(), 'buildjail-bazel-')))
  const folder = (name, mode = 0o755) => {
    mkdirSync(path.join(top, name), { mode })
    return path.join(top, name)
  }
  const workspace = folder('workspace')
  for (const [name, text] of Object.entries(project)) writeFileSync(path.join(workspace, name), text)
  const socket = path.join(top, 'runner.sock')
  const launch = path.join(top, 'buildjail-launch')
  compileLaunch(launch)
  const served = folder('served', 0o700)
  const runner = new Runner(top, { socket, buildDirectory: served, launcher: { depth: depthOfInputRoots } })
  await runner.start()
  const farms = {}

  /** Builds with nothing kept from before. */
  const build = (name, ...targets) => {
    const links = path.join(top, `${name}-`)
    const place = [`--output_user_root=${path.join(top, 'bazel')}`, `--output_base=${path.join(top, `out-${name}`)}`, '--batch']
    const remote = [`--remote_executor=grpc://${farms[name].address}`, '--remote_instance_name=main', '--spawn_strategy=remote', '--genrule_strategy=remote']
    const { status, stderr } = spawnSync(program, [...place, 'build', ...targets, ...remote, `--symlink_prefix=${links}`], { cwd: workspace, encoding: 'utf8' })
    return { status, stderr, made: (file) => readFileSync(path.join(`${links}bin`, file)) }
  }
  try {
    farms.jailed = await startFarm(served, [launch, '--socket', socket, '--'], ['--compatible'])
    farms.plain = await startFarm(path.join(top, 'plain'), ['env', '--'], ['--compatible'])
    const [jailed, plain] = [build('jailed', '//:hello', '//:seen'), build('plain', '//:hello')]
    must(jailed.status === 0 && plain.status === 0, `both builds succeed ${jailed.status === 0 ? '' : jailed.stderr}`)
    const hash = ({ made }) => createHash('sha256').update(made('hello_program')).digest('hex')
    must(hash(jailed) === hash(plain), `what was made is the same, by hash: ${hash(jailed)}`)
    must(jailed.made('seen.txt').toString() === '/build\n35001\n', 'each action was in a session')
    const failed = build('jailed', '//:fails')
    must(failed.status === 1 && failed.stderr.includes('it fails as it should') && failed.stderr.includes('Exit 7'), 'an action that fails says why')
    must((await runner.end('SIGTERM')) === 0, 'the runner ends, and nothing is left')
  } finally {
    for (const farm of Object.values(farms)) farm.end()
    await runner.end('SIGKILL')
    rmSync(top, { recursive: true, force: true })
  }
  return 0
})
