import { spawn, type ChildProcess } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { afterEach, expect, test } from 'vitest'

import { openSession, type Spec } from '../../../src/index.ts'
import { answers, armed, attack, describeAttack, isRoot, said } from './attack.ts'

describeAttack('processes that are not of its session', () => {
  let victim: ChildProcess | undefined
  afterEach(() => victim?.kill('SIGKILL'))

  const users: readonly Spec['user'][] = [undefined, 'root']
  // promise: 25
  test.each(users)('can be neither traced, stopped nor ended by a build as %s, were they of the same user', async (user) => {
    // So that it is the session that keeps them apart and not the ids.
    const builder = { uid: 35001, gid: 35001 }
    const same = user ?? builder
    victim = spawn('sleep', ['1000'], { stdio: 'ignore', cwd: '/', ...(isRoot && user === undefined ? builder : {}) })
    await using other = await openSession({ user: same })
    const neighbour = other.spawn(['sleep', '1000'], { stdio: ['ignore', 'ignore', 'ignore'] })
    await expect.poll(() => neighbour.pid).toBeDefined()
    await using session = await openSession(armed({ user: same }))
    const pids = [process.pid, victim.pid, neighbour.pid, process.ppid].map(String)
    for (const pid of pids) {
      const { stdout } = await session.run(attack('trace', pid))
      expect(answers(stdout)).toEqual({ trace: 'ESRCH', stop: 'ESRCH', end: 'ESRCH' })
    }
    // And whoever it may signal at all; root is not asked to, in case it could.
    if (user === undefined) await session.run(['sh', '-c', 'kill -KILL -1; true'], { reject: false })
    expect([victim.exitCode, victim.signalCode, neighbour.exitCode, neighbour.signalCode]).toEqual([null, null, null, null])
  })

  const launches = process.env['BUILDJAIL_IN_GUEST'] === undefined ? 400 : 100
  // promise: 26
  test.each(users)(`and while ${launches} commands are launched beside it, a build as %s traces none that is still the host program`, async (user) => {
    await using session = await openSession(armed(user === undefined ? {} : { user }))
    const hunter = session.spawn(attack('trace', 'hunt'))
    await said(hunter, 'hunting')
    for (let launched = 0; launched < launches; launched += 4) {
      await Promise.all(Array.from({ length: 4 }, () => session.run(['true'], { reject: false, timeout: 20_000 })))
    }
    hunter.stdin?.end()
    if (hunter.stdout === null) throw new Error('no stdout')
    expect(await text(hunter.stdout)).toBe('some seen, 0 caught\n')
  })
})
