import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'

import { openSession, type Spec } from '../../../src/index.ts'
import { isFreebsd } from '../kernel.ts'
import { answers, armed, attack, describeAttack } from './attack.ts'

describeAttack('memory and messages that belong to no process', () => {
  const kinds = ['shmget', 'semget', 'msgget', 'shm_open']
  const none = Object.fromEntries(kinds.map((kind) => [kind, isFreebsd && kind !== 'shm_open' ? 'ENOSYS' : 'ENOENT']))

  const users: readonly Spec['user'][] = [undefined, 'root']
  // promise: 18
  test.each(users)('are a session’s own (user %s), and gone with it', async (user) => {
    const spec = armed(user === undefined ? {} : { user })
    const first = await openSession(spec)
    const left = answers((await first.run(attack('memory', 'leave'))).stdout)
    // FreeBSD's jail has no System V at all.
    expect(left).toEqual(Object.fromEntries(kinds.map((kind) => [kind, isFreebsd && kind !== 'shm_open' ? 'ENOSYS' : 'ok'])))
    expect(answers((await first.run(attack('memory', 'find'))).stdout)).toEqual(left)
    await using second = await openSession(spec)
    expect(answers((await second.run(attack('memory', 'find'))).stdout)).toEqual(none)
    // On FreeBSD each name has the path of its jail before it, so that what stayed would be for the host alone to see.
    // One of large pages is a file system's, as it were, and keeps no jail from being gone.
    if (isFreebsd) for (const name of ['/buildjail-probe\n', '/buildjail-probe-large']) expect(sharedMemoryOfHost()).toContain(name)
    await first.close()
    if (isFreebsd) expect(sharedMemoryOfHost()).not.toContain('/buildjail-probe')
    await using third = await openSession(spec)
    expect(answers((await third.run(attack('memory', 'find'))).stdout)).toEqual(none)
  })
})

function sharedMemoryOfHost(): string {
  return spawnSync('posixshmcontrol', ['ls'], { encoding: 'utf8' }).stdout
}
