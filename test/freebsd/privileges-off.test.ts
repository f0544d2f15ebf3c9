import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'

import { openSession, type Session } from '../../src/index.ts'
import { armed, attack, said } from '../session/attacks/attack.ts'
import { probe } from '../probe/compiled-probe.ts'
import { describeFreebsd } from './guest.ts'

const describeProbed = 'folder' in probe ? describeFreebsd : describeFreebsd.skip

// Root's privileges end at once for the whole jail, and only the host gives them back; a security level goes up only.
const settings = [
  ['security.bsd.suser_enabled', '0'],
  ['kern.securelevel', '3'],
] as const

describeProbed('what a build that is root sets for its jail', () => {
  async function processesOf(session: Session): Promise<string> {
    const { jail = {} } = await session.record()
    return spawnSync('ps', ['-J', String(jail['jid']), '-o', 'pid=', '-o', 'command='], { encoding: 'utf8' }).stdout
  }

  // promise: 22
  test.each(settings)('%s=%s: everything ends all the same when it is to', async (name, value) => {
    await using session = await openSession(armed({ user: 'root' }))
    const build = session.spawn(attack('suser', name, value), { stdio: ['ignore', 'pipe', 'inherit'] })
    await said(build, 'ok')
    expect((await processesOf(session)).trim().split('\n')).toHaveLength(2)
    // Then there is only the daemon, to which no process of that jail may send a signal.
    const exit = once(build, 'exit')
    process.kill(Number(build.pid), 'SIGKILL')
    await exit
    await session.killAll()
    await expect.poll(() => processesOf(session), { timeout: 5000 }).toBe('')
  })

  // promise: 22
  test.each(settings)('%s=%s: a timeout ends the daemon it left as well', async (name, value) => {
    await using session = await openSession(armed({ user: 'root' }))
    const { timedOut, stdout } = await session.run(attack('suser', name, value), { timeout: 4000, reject: false })
    expect([timedOut, stdout]).toEqual([true, 'ok'])
    await expect.poll(() => processesOf(session), { timeout: 5000 }).toBe('')
  })

  // promise: 22
  test.each(settings)('%s=%s: later commands run nonetheless, as who they are to be', async (name, value) => {
    await using session = await openSession(armed({ user: 'root' }))
    const build = session.spawn(attack('suser', name, value), { stdio: ['ignore', 'pipe', 'inherit'] })
    await said(build, 'ok')
    expect((await session.run(['id'])).stdout).toMatch(/^uid=0\S* gid=0\S*( groups=0\S*)?$/)
  })
})
