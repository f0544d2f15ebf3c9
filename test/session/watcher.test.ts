import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, readlinkSync, unlinkSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

import { fittingArtefacts } from '../../src/native/artefacts.ts'
import { isRunning, usePrograms, watchersOf } from './controlled.ts'
import { useFolders } from './folders.ts'
import { expectSameState, hostState, type HostState } from './host-state.ts'
import { describeSession, isFreebsd } from './kernel.ts'
import { copyOfPackage } from './package-copy.ts'

const entry = fileURLToPath(new URL('../../dist/index.js', import.meta.url))
const watcherFiles = ['build/Release/buildjail-watch', 'build-cmake/Release/buildjail-watch', ...fittingArtefacts().map(({ watcher }) => `prebuilds/${watcher}`)]

/** What a terminal, the end of a login, a manager of services or a person may send; nothing keeps SIGKILL and SIGSTOP off. */
const signals = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU', 'SIGTERM', 'SIGABRT', 'SIGALRM', 'SIGPIPE', 'SIGUSR1', 'SIGUSR2', 'SIGXCPU'] as const

describeSession('the process that cleans up after one that is killed', () => {
  const folders = useFolders()
  const programs = usePrograms()

  // promise: 19
  test('is one, on the host, of no terminal, holds nothing, and ends with the one it watches', async () => {
    const started = await programs.start(folders.output)
    const watchers = watchersOf(started.pid)
    expect(watchers).toHaveLength(1)
    const [watcher = 0] = watchers
    if (isFreebsd) {
      const told = execFileSync('ps', ['-o', 'jid=', '-o', 'tt=', '-p', String(watcher)], { encoding: 'utf8' })
      expect(told.trim().split(/\s+/)).toEqual(['0', '-'])
    } else {
      expect(lookAt(watcher)).toEqual({ session: watcher, terminal: 0, directory: '/', open: [expect.stringMatching(/^socket:/), '/dev/null', '/dev/null'], env: '' })
      expect(readlinkSync(`/proc/${watcher}/ns/pid`)).toBe(readlinkSync('/proc/self/ns/pid'))
    }
    for (const signal of signals) process.kill(watcher, signal)
    expect(isRunning(watcher)).toBe(true)
    await started.kill()
    await expect.poll(() => isRunning(watcher), { timeout: 5000 }).toBe(false)
  })

  test('is not optional: without its program no session is opened, and nothing is left', async () => {
    const before = await hostState()
    const copy = copyOfPackage(path.join(folders.top, 'copy'))
    const watchers = watcherFiles.map((name) => path.join(folders.top, 'copy', name)).filter((file) => existsSync(file))
    for (const file of watchers) unlinkSync(file)
    expect(watchers).not.toEqual([])
    const script = `
      import(${JSON.stringify(copy)}).then(async ({ openSession }) => {
        await openSession({}).then(
          () => console.log('opened'),
          ({ code, step, path }) => console.log(JSON.stringify({ code, step, path })))
      })`
    const { stdout, status } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8', timeout: 50_000 })
    expect(status).toBe(0)
    const { path: file, ...told } = JSON.parse(stdout) as { path: string }
    expect(told).toEqual({ code: 'ENOENT', step: 'watcher' })
    expect(watchers).toContain(file)
    await expectSameState(before)
  })

  test('is replaced by the next session where it was killed, and that one sees to the sessions before it as well', async () => {
    const before = await hostState()
    const script = `
      import(${JSON.stringify(entry)}).then(async ({ build, openSession }) => {
        await openSession({ output: ${JSON.stringify(folders.output)} })
        console.log('opened')
        process.stdin.once('data', async () => {
          await build({}, ['true'])
          console.log('built')
        })
      })`
    const program = spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'inherit'] })
    const { pid = 0 } = program
    const lines = createInterface(program.stdout)
    await once(lines, 'line')
    const [killed = 0] = watchersOf(pid)
    process.kill(killed, 'SIGKILL')
    await expect.poll(() => watchersOf(pid)).toEqual([])
    program.stdin.write('build')
    await once(lines, 'line')
    const watchers = watchersOf(pid)
    expect(watchers).toHaveLength(1)
    expect(watchers).not.toContain(killed)
    const exit = once(program, 'exit')
    program.kill('SIGKILL')
    await exit
    await expect.poll(withoutDescriptors, { timeout: 2000 }).toEqual({ ...before, descriptors: [] })
  })

  test('leaves nothing of itself when its process ends in order', async () => {
    const script = `
      import(${JSON.stringify(entry)}).then(async ({ build }) => {
        await build({}, ['true'])
        console.log('built')
        process.stdin.resume()
      })`
    const program = spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'inherit'] })
    await once(createInterface(program.stdout), 'line')
    const watchers = watchersOf(program.pid ?? 0)
    expect(watchers).toHaveLength(1)
    const exit = once(program, 'exit')
    program.stdin.end()
    expect(await exit).toEqual([0, null])
    expect(watchers.filter(isRunning)).toEqual([])
  })
})

async function withoutDescriptors(): Promise<HostState> {
  return { ...(await hostState()), descriptors: [] }
}

/** Linux: what /proc says of a process. */
function lookAt(pid: number): unknown {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ')
  return {
    session: Number(fields[3]),
    terminal: Number(fields[4]),
    directory: readlinkSync(`/proc/${pid}/cwd`),
    open: readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`)),
    env: readFileSync(`/proc/${pid}/environ`, 'utf8'),
  }
}
