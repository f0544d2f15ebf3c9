import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { status } from '@grpc/grpc-js'
import { expect, it } from 'vitest'

import { expectSameButForIds, hostState } from '../../test/session/host-state.ts'
import { describeAsRoot } from './double/as-root.ts'
import { freePort } from './double/free-port.ts'
import { commandIn, launcherClient } from './double/launcher.ts'
import { RunnerProcess } from './double/runner-process.ts'
import { done, useRunner, useRunners } from './double/use-runner.ts'
import { Worker } from './double/worker.ts'

const started = useRunners()
const endless = ['sh', '-c', 'trap "" TERM HUP INT; (trap "" TERM HUP INT; while :; do echo beat >> beats; sleep 0.01; done) & echo begun; while :; do sleep 1; done']

/** Resolves when the action runs. */
async function begun(beats: string): Promise<void> {
  await expect.poll(() => existsSync(beats), { timeout: 20_000 }).toBe(true)
}

/** Nothing of it writes any more, and it is the worker's again. */
async function over(beats: string): Promise<void> {
  // Its owner does not tell that it is over: it may be the worker's all the time.
  const grownBy = async (): Promise<number> => {
    const { size } = statSync(beats)
    await new Promise((resolve) => setTimeout(resolve, 60))
    return statSync(beats).size - size
  }
  await expect.poll(grownBy, { timeout: 20_000 }).toBe(0)
  await expect.poll(() => statSync(beats).uid, { timeout: 20_000 }).toBe(process.getuid?.())
}

describeAsRoot('an action ends with all that it started', () => {
  const serving = useRunner({ concurrency: 1 })

  // promise: 53
  it('when the worker cancels the call', async () => {
    const { worker } = serving
    const action = worker.lay(endless)
    const call = worker.run(action.request)
    await begun(path.join(action.root, 'beats'))
    call.cancel()
    await expect(call.answer).rejects.toMatchObject({ code: status.CANCELLED })
    await over(path.join(action.root, 'beats'))
  })

  // promise: 53
  it('when the deadline of the call is over', async () => {
    const { worker } = serving
    const action = worker.lay(endless)
    await expect(worker.run(action.request, { deadline: 700 }).answer).rejects.toMatchObject({ code: status.DEADLINE_EXCEEDED })
    await over(path.join(action.root, 'beats'))
  })

  // promise: 53
  it('when the worker dies', async () => {
    const { worker, runner } = serving
    const action = worker.lay(endless)
    const file = path.join(runner.folder, 'request.json')
    writeFileSync(file, JSON.stringify(action.request))
    const dying = spawn(process.execPath, [fileURLToPath(new URL('double/dying-worker.mjs', import.meta.url)), runner.socket, file], { stdio: 'inherit' })
    await begun(path.join(action.root, 'beats'))
    dying.kill('SIGKILL')
    await once(dying, 'exit')
    await over(path.join(action.root, 'beats'))
    await worker.ready(action.name)
  })

  it('and one that waits for its turn is never begun', async () => {
    const { worker } = serving
    const first = worker.lay(['sleep', '1'])
    const second = worker.lay(['touch', 'begun'])
    const running = worker.run(first.request)
    const waiting = worker.run(second.request)
    setTimeout(() => waiting.cancel(), 300)
    await expect(waiting.answer).rejects.toMatchObject({ code: status.CANCELLED })
    expect((await running.answer).exitCode).toBe(0)
    expect(readdirSync(second.root)).toEqual([])
  })

  it('so that the worker can try it again in the same folder at once', async () => {
    const { worker, runner } = serving
    const action = worker.lay(endless)
    const call = worker.run(action.request)
    await begun(path.join(action.root, 'beats'))
    call.cancel()
    await expect(call.answer).rejects.toMatchObject({ code: status.CANCELLED })
    const again = { ...action.request, arguments: ['cat', 'beats'], stdoutPath: `${action.name}/stdout2`, stderrPath: `${action.name}/stderr2` }
    expect((await worker.run(again).answer).exitCode).toBe(0)
    expect(statSync(path.join(runner.buildDirectory, action.name, 'stdout2')).size).toBe(statSync(path.join(action.root, 'beats')).size)
  })
})

describeAsRoot('nothing is left', () => {
  it('after SIGTERM, which waits for what runs, and refuses what comes', async () => {
    const before = await hostState()
    const { worker, runner } = await started()
    const action = worker.lay(['sh', '-c', 'touch begun; sleep 1; echo done'])
    const call = worker.run(action.request)
    await begun(path.join(action.root, 'begun'))
    const ended = runner.end()
    expect((await call.answer).exitCode).toBe(0)
    expect(action.stdout()).toBe('done\n')
    expect(await ended).toBe(0)
    expect(existsSync(runner.socket)).toBe(false)
    await expect(worker.run(worker.lay(['true']).request).answer).rejects.toMatchObject({ code: status.UNAVAILABLE })
    await expectSameButForIds(before)
  })

  it.each(['drainTimeout', 'a second SIGTERM'])('after %s, which ends what runs', async (how) => {
    const before = await hostState()
    const { worker, runner } = await started(how === 'drainTimeout' ? { drainTimeout: 100 } : {})
    const action = worker.lay(endless)
    const call = worker.run(action.request)
    const refused = expect(call.answer).rejects.toMatchObject({ code: status.UNAVAILABLE })
    await begun(path.join(action.root, 'beats'))
    const ended = runner.end()
    if (how !== 'drainTimeout') setTimeout(() => runner.signal('SIGTERM'), 200)
    await refused
    expect(await ended).toBe(0)
    await over(path.join(action.root, 'beats'))
    await expectSameButForIds(before)
  })

  it('after SIGTERM and the drainTimeout, which a launcher that reads nothing does not make longer', async () => {
    const { runner } = await started({ drainTimeout: 100, launcher: { depth: 1 } })
    const client = launcherClient(runner.socket)
    const folder = path.join(runner.buildDirectory, 'reads-nothing')
    mkdirSync(folder)
    const calls = [client.Launch().pause(), client.Launch()].map((call) => call.on('error', () => {}))
    calls[0]?.write({ command: commandIn(folder, ['sh', '-c', 'touch begun; while :; do echo much much much; done']) })
    // One that says nothing of its command.
    calls[1]?.write({ signal: 15 })
    await begun(path.join(folder, 'begun'))
    // Its windows are full by then.
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(await runner.end()).toBe(0)
    client.close()
  })

  it('after SIGTERM, also where a program has connected to its metrics and asks for nothing', async () => {
    const port = await freePort()
    const { runner } = await started({ metrics: { port } })
    const socket = connect(port, '127.0.0.1').on('error', () => {})
    await once(socket, 'connect')
    expect(await runner.end()).toBe(0)
    socket.destroy()
  })

  it('after SIGTERM but the socket of a runner that began meanwhile', async () => {
    const { worker, runner } = await started()
    const action = worker.lay(['sh', '-c', 'touch begun; sleep 3'])
    const call = worker.run(action.request)
    await begun(path.join(action.root, 'begun'))
    const ended = runner.end()
    await expect.poll(() => existsSync(runner.socket), { timeout: 10_000 }).toBe(false)
    await started({ socket: runner.socket, buildDirectory: runner.buildDirectory })
    expect((await call.answer).exitCode).toBe(0)
    expect(await ended).toBe(0)
    await expect.poll(async () => worker.ready().then(() => true, () => false), { timeout: 10_000 }).toBe(true)
    expect((await done(worker, worker.lay(['echo', 'served']))).stdout).toBe('served\n')
  })

  it('after SIGTERM, also where the disk of its log is full, and actions are answered till then', async () => {
    const runner = new RunnerProcess()
    const full = openSync('/dev/full', 'w')
    const worker = new Worker(runner.buildDirectory, runner.socket)
    try {
      await runner.start(full)
      expect((await done(worker, worker.lay(['echo', 'served']))).stdout).toBe('served\n')
      expect(await runner.end()).toBe(0)
    } finally {
      worker.close()
      closeSync(full)
      await runner.end('SIGKILL')
      runner.remove()
    }
  })

  // promise: 53
  it('after SIGKILL of the runner, and the next one takes its place', async () => {
    const before = await hostState()
    const { worker, runner } = await started()
    const action = worker.lay(endless)
    const lost = expect(worker.run(action.request).answer).rejects.toMatchObject({ code: status.UNAVAILABLE })
    await begun(path.join(action.root, 'beats'))
    await runner.end('SIGKILL')
    await lost
    await over(path.join(action.root, 'beats'))
    await expectSameButForIds(before)
    await runner.start()
    const next = worker.lay(['echo', 'served'])
    await expect.poll(async () => worker.ready().then(() => true, () => false), { timeout: 10_000 }).toBe(true)
    expect((await done(worker, next)).stdout).toBe('served\n')
  })
})
