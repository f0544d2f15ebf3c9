import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'

import { describeAsRoot } from './double/as-root.ts'
import { commandIn, launch, launcherClient, useLauncher, type Launch } from './double/launcher.ts'
import { useRunner } from './double/use-runner.ts'

const launcher = useLauncher()
const serving = useRunner({ launcher: { depth: 2 }, session: { limits: { stdio: '4M' } } })
let count = 0

/** A folder as a worker would make it for an action. */
function folder(): string {
  count += 1
  const made = path.join(serving.runner.buildDirectory, `a${count}`, 'root')
  mkdirSync(path.join(made, 'deep'), { recursive: true })
  return made
}

function launched(words: readonly string[], more: { cwd?: string; env?: Record<string, string>; input?: string | Buffer } = {}): Launch {
  return launch(launcher.file, ['--socket', serving.runner.socket, ...words], { cwd: folder(), ...more })
}

describeAsRoot('buildjail-launch', () => {
  it('runs a command in a session: in its folder, with its environment, and with what it writes coming out', async () => {
    const cwd = folder()
    const { ended } = launched(['--', 'sh', '-c', 'pwd; env; echo made > made; echo problem >&2; exit 3'], { cwd: path.join(cwd, 'deep'), env: { PATH: '/bin:/usr/bin', OWN: 'x' } })
    const { status, stdout, stderr } = await ended
    expect([status, stderr]).toEqual([3, 'problem\n'])
    expect(stdout.trimEnd().split('\n').filter((line) => !/^(?:PWD|OLDPWD|SHLVL|_)=/.test(line)).sort()).toEqual(['/build/deep', 'OWN=x', 'PATH=/bin:/usr/bin', 'TMPDIR=/tmp'])
    expect(readFileSync(path.join(cwd, 'deep/made'), 'utf8')).toBe('made\n')
    expect(statSync(path.join(cwd, 'deep/made')).uid).toBe(process.getuid?.())
  })

  it('finds the runner by a variable, which the command does not get', async () => {
    const { ended } = launch(launcher.file, ['env'], { cwd: folder(), env: { PATH: '/bin:/usr/bin', BUILDJAIL_RUNNER_SOCKET: serving.runner.socket } })
    expect(await ended).toMatchObject({ status: 0, stdout: expect.not.stringContaining('BUILDJAIL') as string })
  })

  it('passes on much output, in its order, however slowly it is read', async () => {
    const { process: child, ended } = launched(['sh', '-c', 'i=0; while [ $i -lt 30000 ]; do echo "line $i of many lines that are passed on"; i=$((i+1)); done'])
    child.stdout?.pause()
    setTimeout(() => child.stdout?.resume(), 300)
    const { status, stdout } = await ended
    expect(status).toBe(0)
    expect(stdout).toBe(Array.from({ length: 30_000 }, (_, index) => `line ${index} of many lines that are passed on\n`).join(''))
  })

  it('passes on stdin where it is asked to, and nothing of it otherwise', async () => {
    const input = Buffer.alloc(1_000_000, 'given\n')
    expect(await launched(['--stdin', 'sh', '-c', 'wc -c; echo end'], { input }).ended).toMatchObject({ status: 0, stdout: expect.stringMatching(/^\s*1000000\nend\n$/) as string })
    expect(await launched(['sh', '-c', 'wc -c'], { input }).ended).toMatchObject({ status: 0, stdout: expect.stringMatching(/^\s*0\n$/) as string })
    expect(await launched(['--stdin', 'true'], { input }).ended).toMatchObject({ status: 0 })
  })

  it('passes on a long command line, which is more than one window of HTTP/2', async () => {
    const words = Array.from({ length: 60 }, (_, index) => `${index}-`.padEnd(5000, 'x'))
    const { status, stdout } = await launched(['sh', '-c', 'echo $#; for word; do last=$word; done; echo "$last"', 'sh', ...words]).ended
    expect([status, stdout]).toEqual([0, `60\n${words.at(-1)}\n`])
  })

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('passes on %s, and what the command makes of it', async (signal) => {
    const cwd = folder()
    const { process: child, ended } = launched(['sh', '-c', `trap 'echo caught; exit 5' ${signal.slice(3)}; touch begun; while :; do sleep 0.02; done`], { cwd })
    await expect.poll(() => existsSync(path.join(cwd, 'begun')), { timeout: 20_000 }).toBe(true)
    child.kill(signal)
    expect(await ended).toMatchObject({ status: 5, stdout: 'caught\n' })
  })

  it('is not what a signal comes from that this system does not have: it has no effect, and the runner goes on', async () => {
    const { runner } = serving
    const client = launcherClient(runner.socket)
    const cwd = folder()
    const call = client.Launch()
    const ended = new Promise((resolve, reject) => call.on('error', reject).on('data', ({ end }) => end && resolve(end)))
    call.write({ command: commandIn(cwd, ['sh', '-c', 'touch begun; read line; exit 3']) })
    await expect.poll(() => existsSync(path.join(cwd, 'begun')), { timeout: 20_000 }).toBe(true)
    for (const signal of [9999, -1, 0]) call.write({ signal })
    call.write({ stdinIsOver: true })
    expect(await ended).toMatchObject({ exitCode: 3 })
    client.close()
    expect(await launched(['true']).ended).toMatchObject({ status: 0 })
  })

  it('ends by the signal that ended the command', async () => {
    expect(await launched(['sh', '-c', 'kill -SEGV $$']).ended).toMatchObject({ status: null, signal: 'SIGSEGV' })
    expect(await launched(['sh', '-c', 'kill -TERM $$']).ended).toMatchObject({ status: null, signal: 'SIGTERM' })
  })

  // Real-time ones, and on Linux SIGSTKFLT and SIGPWR. Node has no name for some, so a shell tells.
  it.each(process.platform === 'freebsd' ? [65, 100] : [16, 30, 34, 40])('ends by the signal that ended the command, also by %d, which has no name on every system', async (signal) => {
    const words = [launcher.file, '--socket', serving.runner.socket, 'sh', '-c', `kill -${signal} $$`]
    expect(await launch('/bin/sh', ['-c', '"$@"; echo $?', 'sh', ...words], { cwd: folder() }).ended).toMatchObject({ stdout: `${128 + signal}\n` })
  })

  it('takes the action along when it is killed', async () => {
    const cwd = folder()
    const beats = path.join(cwd, 'beats')
    const { process: child } = launched(['sh', '-c', 'trap "" TERM HUP; while :; do echo beat >> beats; sleep 0.01; done'], { cwd })
    await expect.poll(() => existsSync(beats), { timeout: 20_000 }).toBe(true)
    child.kill('SIGKILL')
    await expect.poll(() => statSync(beats).uid, { timeout: 20_000 }).toBe(process.getuid?.())
  })

  it('does not wait for what a command leaves behind, and nothing of that is left', async () => {
    const cwd = folder()
    const { ended } = launched(['sh', '-c', '(trap "" TERM HUP; while :; do echo beat >> beats; sleep 0.01; done) & sleep 0.2; echo done'], { cwd })
    expect(await ended).toMatchObject({ status: 0, stdout: 'done\n' })
    const { size } = statSync(path.join(cwd, 'beats'))
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect(statSync(path.join(cwd, 'beats')).size).toBe(size)
  })

  it('says which limit of the worker ended the command', async () => {
    const { signal, stderr } = await launched(['sh', '-c', 'while :; do echo much much much much much; done']).ended
    expect([signal, stderr]).toEqual(['SIGKILL', 'buildjail: limits.stdio of this worker ended the command\n'])
  })

  it('fails as env(1) does where the command cannot be executed', async () => {
    expect(await launched(['absent-program']).ended).toMatchObject({ status: 127, stderr: expect.stringMatching(/^buildjail-launch: ENOENT.*execve/) as string })
    expect(await launched(['/usr']).ended).toMatchObject({ status: 126, stderr: expect.stringMatching(/^buildjail-launch: EACCES.*execve/) as string })
  })

  it.each([
    ['where the folder is none of the worker\'s', () => ({ cwd: '/' }), /is not below the build directory/],
    ['where the folder is no input root', () => ({ cwd: path.join(serving.runner.buildDirectory) }), /is not below the build directory/],
    ['where the folder is above the input roots', () => ({ cwd: path.dirname(folder()) }), /is not 2 folders below the build directory \(launcher\.depth\)/],
  ] as const)('fails with 125 %s', async (_, more, message) => {
    expect(await launched(['true'], more()).ended).toMatchObject({ status: 125, stderr: expect.stringMatching(message) as string })
  })

  it('fails with 125 where there is no runner, no command or no such option', async () => {
    expect(await launch(launcher.file, ['--socket', '/absent/socket', 'true'], { cwd: '/' }).ended).toMatchObject({ status: 125, stderr: "buildjail-launch: the runner at '/absent/socket' cannot be reached: No such file or directory\n" })
    expect(await launch(launcher.file, ['true'], { cwd: '/' }).ended).toMatchObject({ status: 125, stderr: "buildjail-launch: the runner's socket is missing: use --socket or BUILDJAIL_RUNNER_SOCKET\n" })
    expect(await launched([]).ended).toMatchObject({ status: 125, stderr: expect.stringMatching(/a command is missing\nusage/) as string })
    expect(await launched(['--what', 'true']).ended).toMatchObject({ status: 125, stderr: expect.stringMatching(/'--what' is not an option/) as string })
  })
})

describeAsRoot('a runner without a launcher in its configuration', () => {
  const alone = useRunner()
  it('launches nothing, and the launcher says so', async () => {
    const { ended } = launch(launcher.file, ['--socket', alone.runner.socket, 'true'], { cwd: alone.runner.buildDirectory })
    expect(await ended).toMatchObject({ status: 125, stderr: expect.stringMatching(/it launches no commands/) as string })
  })
})
