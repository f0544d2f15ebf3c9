import { closeSync, openSync, readSync } from 'node:fs'
import { expect, test } from 'vitest'

import { openSession, TeardownError } from '../../src/index.ts'
import { armed, attack } from '../session/attacks/attack.ts'
import { probe } from '../probe/compiled-probe.ts'
import { describeFreebsd } from './guest.ts'

const describeProbed = 'folder' in probe ? describeFreebsd : describeFreebsd.skip

describeProbed('a device that others have open', () => {
  const readable = (device: number): boolean => {
    try {
      return readSync(device, Buffer.alloc(1)) === 1
    } catch {
      return false
    }
  }

  test('is not to be revoked by a build that is not root', async () => {
    const zero = openSync('/dev/zero', 'r')
    try {
      await using session = await openSession(armed())
      for (const name of ['null', 'zero', 'random']) expect((await session.run(attack('revoker', `/dev/${name}`))).stdout).toBe('EPERM')
      expect(readable(zero)).toBe(true)
    } finally {
      closeSync(zero)
    }
  })

  // docs/security.md says so of promise 48.
  test('is revoked by a build that is root, as nothing forbids that; its close says so once, and leaves nothing', async () => {
    const zero = openSync('/dev/zero', 'r')
    try {
      const session = await openSession(armed({ user: 'root' }))
      expect(session.plan.warnings.map(({ entry }) => entry)).toEqual(['user'])
      expect((await session.run(attack('revoker', '/dev/zero'))).stdout).toBe('ok')
      const error = await session.close().catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(TeardownError)
      expect((error as TeardownError).errors).toMatchObject([{ code: 'EBADF', step: 'devices', path: '/dev/zero' }])
      await session.close()
      expect(readable(zero)).toBe(false)
    } finally {
      closeSync(zero)
    }
  })

  test('is told of by no close where it was not', async () => {
    const session = await openSession(armed({ user: 'root' }))
    await session.run(['sh', '-c', 'cat /dev/null; head -c 8 /dev/random >/dev/null'])
    await session.close()
  })
})
