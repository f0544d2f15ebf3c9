import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'

import { openSession, type Spec } from '../../../src/index.ts'
import { armed, attack, describeAttack, said } from './attack.ts'

const launches = process.env['BUILDJAIL_IN_GUEST'] === undefined ? 400 : 200

describeAttack('a command that is being launched', () => {
  const users: readonly Spec['user'][] = [undefined, 'root']

  // promise: 9
  test.each(users)(`shows a build as %s neither the arguments nor the environment of the host program, nor what that has mapped and open, ${launches} times`, { timeout: 110_000 }, async (user) => {
    await using session = await openSession(armed(user === undefined ? {} : { user }))
    const onlooker = session.spawn(attack('onlooker'))
    await said(onlooker, 'looking')
    for (let launched = 0; launched < launches; launched += 4) {
      await Promise.all(Array.from({ length: 4 }, () => session.run(['true'], { reject: false })))
    }
    onlooker.stdin?.end()
    if (onlooker.stdout === null) throw new Error('stdout is no pipe')
    expect(await text(onlooker.stdout)).toBe('some seen, 0 arguments, 0 environments and 0 mappings and descriptors of a host program\n')
  })
})
