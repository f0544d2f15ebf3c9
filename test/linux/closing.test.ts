import { chmodSync, statSync } from 'node:fs'
import { expect, test } from 'vitest'

import { openSession, type Session } from '../../src/index.ts'
import { useFolders } from '../session/folders.ts'
import { expectSameState, hostState } from '../session/host-state.ts'
import { describeLinux } from './host.ts'

describeLinux('a session whose init was stopped', () => {
  const folders = useFolders()

  /** Stopped, it does not do what it is told to. */
  const stopInit = async (session: Session): Promise<void> => {
    const [, init] = /^\/proc\/(\d+)\/root$/.exec((await session.record()).root) ?? []
    process.kill(Number(init), 'SIGSTOP')
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
})
