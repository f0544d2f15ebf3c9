import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'

import { JAIL_CREATE, jailGet, jailRemove, jailSet } from '../../src/freebsd/index.ts'
import { openSession } from '../../src/index.ts'
import { expectSameState, hostState } from '../session/host-state.ts'
import { describeFreebsd } from './guest.ts'

describeFreebsd('a session whose jail was removed by root of the host', () => {
  // promise: 33
  test('does nothing to the jail that has its number then', async () => {
    const before = await hostState()
    const session = await openSession({})
    await session.run(['true'])
    const jid = Number((await session.record()).jail?.['jid'])
    await jailRemove(jid)
    await expect.poll(() => isFree(jid), { timeout: 5000 }).toBe(true)
    await jailSet({ jid, name: 'taken-again', path: '/', persist: true }, JAIL_CREATE)
    try {
      const inside = startIn(jid)
      await expect(session.run(['true'])).rejects.toMatchObject({ syscall: 'lstat', code: 'ESRCH' })
      await expect(session.record()).rejects.toMatchObject({ syscall: 'jail_get', code: 'ENOENT' })
      await session.killAll()
      await session.close()
      expect(await jailGet({ jid }, ['name', 'dying'])).toMatchObject({ name: 'taken-again', dying: false })
      expect(inside.isAlive()).toBe(true)
    } finally {
      await jailRemove(jid)
    }
    await expectSameState(before)
  })
})

async function isFree(jid: number): Promise<boolean> {
  return jailGet({ jid }, ['name']).then(
    () => false,
    (error: unknown) => (error as NodeJS.ErrnoException).code === 'ENOENT',
  )
}

/** A process in a jail that does not end by itself. */
function startIn(jid: number): { isAlive(): boolean } {
  const { stdout } = spawnSync('jexec', [String(jid), 'sh', '-c', 'sleep 1000 >/dev/null 2>&1 & echo $!'], { encoding: 'utf8' })
  return { isAlive: () => spawnSync('kill', ['-0', stdout.trim()]).status === 0 }
}
