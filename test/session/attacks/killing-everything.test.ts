import { once } from 'node:events'
import { expect, test } from 'vitest'

import { openSession, type Spec } from '../../../src/index.ts'
import { expectSameState, hostState } from '../host-state.ts'
import { armed, attack, describeAttack, said } from './attack.ts'

const isGuest = process.env['BUILDJAIL_IN_GUEST'] !== undefined
const launches = isGuest ? 200 : 1000
// As many as it takes for the killer to have been quicker once.
const kills = 400
const atOnce = 4

describeAttack('a build that kills whatever it can, all the time', () => {
  const users: readonly Spec['user'][] = [undefined, 'root']
  const specOf = (user: Spec['user']): Spec => armed(user === undefined ? {} : { user })

  // A command is its victim from the moment that it has the build's rights, which is before it is executed.
  // promise: 31
  test.each(users)(`as %s: each of ${launches} commands beside it ends by itself or by being killed, and the session closes`, { timeout: 110_000 }, async (user) => {
    const before = await hostState()
    const session = await openSession(specOf(user))
    const killer = session.spawn(attack('killer'), { stdio: ['ignore', 'pipe', 'ignore'] })
    await said(killer, 'killing')
    const ends = new Set<unknown>()
    for (let launched = 0; launched < launches; launched += atOnce) {
      const results = await Promise.all(Array.from({ length: atOnce }, () => session.run(['true'], { reject: false })))
      for (const { signal, exitCode } of results) ends.add(signal ?? exitCode)
    }
    expect([...ends].filter((end) => end !== 0 && end !== 'SIGKILL')).toEqual([])
    // It is there to the end, so that all of them were.
    expect([killer.exitCode, killer.signalCode]).toEqual([null, null])
    await session.close()
    await expectSameState(before)
  })

  // promise: 31
  test.each(users)('as %s: is killed itself, each time that everything in the session is to be', { timeout: 110_000 }, async (user) => {
    await using session = await openSession(specOf(user))
    for (let kill = 0; kill < kills; kill++) {
      const killer = session.spawn(attack('killer'), { stdio: ['ignore', 'pipe', 'ignore'] })
      const exit = once(killer, 'exit')
      await said(killer, 'killing')
      await session.killAll()
      expect(await exit).toEqual([null, 'SIGKILL'])
    }
  })
})
