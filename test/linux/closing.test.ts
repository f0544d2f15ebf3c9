import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

import { openSession, type Session } from '../../src/index.ts'
import { useFolders } from '../session/folders.ts'
import { expectSameState, hostState } from '../session/host-state.ts'
import { describeLinux, isRoot } from './host.ts'

describeLinux('a session whose init was stopped', () => {
  const folders = useFolders()

  /** Stopped, it does not do what it is told to. Returns its pid. */
  const stopInit = async (session: Session): Promise<number> => {
    const [, init] = /^\/proc\/(\d+)\/root$/.exec((await session.record()).root) ?? []
    process.kill(Number(init), 'SIGSTOP')
    return Number(init)
  }

  test('is closed all the same, also while everything in it is being killed, and its output has its owner and mode', async () => {
    chmodSync(folders.output, 0o750)
    const host = await hostState()
    const { uid, gid, mode } = statSync(folders.output)
    const session = await openSession({ output: folders.output })
    await session.run(['sh', '-c', 'chmod 777 /output; sleep 1000 &'], { stdout: 'ignore', stderr: 'ignore' })
    await stopInit(session)
    const killing = session.killAll()
    await session.close()
    await killing
    const after = statSync(folders.output)
    expect([after.uid, after.gid, after.mode]).toEqual([uid, gid, mode])
    await expectSameState(host)
  })

  test('has commands end that it was never told to have started: whoever waits for `spawn` hears of it, and then of the end', async () => {
    await using session = await openSession({})
    const init = await stopInit(session)
    const child = session.spawn(['true'])
    const events: string[] = []
    for (const event of ['spawn', 'exit', 'error'] as const) child.on(event, () => events.push(event))
    process.kill(init, 'SIGKILL')
    await once(child, 'close')
    expect(events).toEqual(['spawn', 'exit'])
    expect([child.pid, child.signalCode]).toEqual([undefined, 'SIGKILL'])
  })
})

describeLinux('a closed session', () => {
  const folders = useFolders()

  // promise: 18
  test.runIf(isRoot)('keeps no file system of the host busy', async () => {
    const disk = path.join(folders.top, 'disk')
    mkdirSync(disk)
    for (let round = 0; round < 10; round += 1) {
      execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', disk])
      try {
        const session = await openSession({ inputs: { disk }, output: path.join(disk, 'made') })
        await session.run(['true'])
        await session.close()
      } finally {
        execFileSync('umount', [disk])
      }
    }
  })
})
