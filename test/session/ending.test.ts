import { existsSync, statSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

import { build, openSession } from '../../src/index.ts'
import { probe } from '../probe/compiled-probe.ts'
import { useFolders } from './folders.ts'
import { expectSameState, hostState } from './host-state.ts'
import { describeSession, isFreebsd } from './kernel.ts'
import { rejected } from './rejected.ts'
import { expectSilence } from './silence.ts'

describeSession('nothing of a build survives its session', () => {
  const folder = 'folder' in probe ? probe.folder : ''
  const folders = useFolders()

  test.skipIf(folder === '')('not a daemon that detached itself twice and ignores SIGTERM', async () => {
    const before = await hostState()
    const beats = path.join(folders.output, 'beats')
    const session = await openSession({ inputs: { probe: folder }, output: folders.output })
    await session.run(['/inputs/probe/probe', 'detach', '/output/beats'])
    await expect.poll(() => existsSync(beats) && statSync(beats).size, { timeout: 20_000 }).toBeGreaterThan(2)
    await session.close()
    await expectSilence(() => statSync(beats).size)
    await expectSameState(before)
  })

  test('not a command that was only just begun, which a thread launches, after killAll', async () => {
    await using session = await openSession({})
    const stdout = { file: path.join(folders.top, 'log') }
    // On Linux the signal does not come before a launch each time.
    const [rounds, length] = isFreebsd ? [1, 16] : [5, 64]
    for (let round = 0; round < rounds; round += 1) {
      const runs = Array.from({ length }, () => session.run(['sleep', '10'], { stdout, reject: false }))
      await Promise.resolve()
      await session.killAll()
      expect((await Promise.all(runs)).map(({ signal }) => signal)).toEqual(runs.map(() => 'SIGKILL'))
    }
    expect(await session.run(['echo', 'open'])).toMatchObject({ stdout: 'open' })
  })

  test('not a command that ignores SIGTERM and still runs at close', async () => {
    const before = await hostState()
    const session = await openSession({})
    const running = session.run(['sh', '-c', 'trap "" TERM; while :; do sleep 1; done'], { reject: false })
    await session.run(['true'])
    await session.close()
    expect(await running).toMatchObject({ signal: 'SIGKILL', exitCode: undefined })
    await expectSameState(before)
  })

  test('not one that is killed by its timeout, nor anything it started', async () => {
    const before = await hostState()
    const beats = path.join(folders.output, 'beats')
    const script = 'trap "" TERM; (while :; do echo . >> /output/beats; sleep 0.05; done) & sleep 100'
    const session = await openSession({ output: folders.output })
    const error = await session.run(['sh', '-c', script], { timeout: 1500, forceKillAfterDelay: 200 }).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'ERR_BUILDJAIL_COMMAND_FAILED', timedOut: true, isCanceled: false, signal: 'SIGKILL' })
    await expectSilence(() => statSync(beats).size)
    expect((await session.run(['echo', 'usable'])).stdout).toBe('usable')
    await session.close()
    await expectSameState(before)
  })

  test('not one that is aborted', async () => {
    const before = await hostState()
    const controller = new AbortController()
    const running = build({ output: folders.output }, ['sh', '-c', 'touch /output/begun; sleep 100'], { signal: controller.signal }).catch((reason: unknown) => reason)
    await expect.poll(() => existsSync(path.join(folders.output, 'begun')), { timeout: 20_000 }).toBe(true)
    controller.abort(new Error('changed my mind'))
    expect(await running).toMatchObject({ isCanceled: true, signal: 'SIGTERM', cause: { message: 'changed my mind' } })
    await expectSameState(before)
  })

  test('not one that is aborted and ignores it', async () => {
    const controller = new AbortController()
    await using session = await openSession({})
    const options = { signal: controller.signal, forceKillAfterDelay: 200, reject: false }
    const running = session.run(['sh', '-c', 'trap "" TERM; echo up > /tmp/up; while :; do sleep 1; done'], options)
    await session.run(['sh', '-c', 'until [ -e /tmp/up ]; do sleep 0.05; done'])
    controller.abort()
    expect(await running).toMatchObject({ isCanceled: true, signal: 'SIGKILL' })
  })

  test('not one whose timeout passes while another session has its output, and that does not wait for it', async () => {
    await using session = await openSession({ output: folders.output })
    const before = await hostState()
    const error = await rejected(build({ output: folders.output, wait: '1m' }, ['touch', '/output/ran'], { timeout: 300 }))
    expect(error).toMatchObject({ code: 'ERR_BUILDJAIL_COMMAND_FAILED', timedOut: true })
    expect(existsSync(path.join(folders.output, 'ran'))).toBe(false)
    await expectSameState(before)
    expect((await session.run(['echo', 'usable'])).stdout).toBe('usable')
  })

  test('and an abort before the start opens nothing', async () => {
    const before = await hostState()
    await expect(build({}, ['true'], { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' })
    await expectSameState(before)
  })

  test('closing twice and at once is one closing', async () => {
    const before = await hostState()
    const session = await openSession({})
    await Promise.all([session.close(), session.close(), session[Symbol.asyncDispose]()])
    await session.close()
    await expectSameState(before)
  })

  test('and a background process that keeps stdout open does not keep a run from ending', async () => {
    await using session = await openSession({})
    const { stdout } = await session.run(['sh', '-c', 'echo before; sleep 100 &'], { timeout: 20_000 })
    expect(stdout).toBe('before')
  })
})
