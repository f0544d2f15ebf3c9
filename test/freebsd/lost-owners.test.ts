import { expect, test } from 'vitest'

import { build, openSession, TeardownError, type Spec } from '../../src/index.ts'
import { answers, armed, attack } from '../session/attacks/attack.ts'
import { useFolders } from '../session/folders.ts'
import { hostState } from '../session/host-state.ts'
import { rejected } from '../session/rejected.ts'
import { probe } from '../probe/compiled-probe.ts'
import { describeFreebsd } from './guest.ts'

const describeProbed = 'folder' in probe ? describeFreebsd : describeFreebsd.skip

describeProbed('a build whose fcntl(2) does not set an owner of signals, which makes the kernel keep its jail', () => {
  const folders = useFolders()

  const users: readonly Spec['user'][] = [undefined, 'root', { uid: 35001, gid: 35001 }]
  // promise: 18, 25
  test.each(users)('reaches no process (user %o); close says why the jail stays, each time, and nothing else does', { timeout: 60_000 }, async (user) => {
    const before = await hostState()
    const session = await openSession(armed({ output: folders.output, ...(user !== undefined && { user }) }))
    const { jail } = await session.record()
    const name = String(jail?.['name'])
    const nobody = 99_999
    const outcome = answers((await session.run(attack('owner', String(process.pid), String(nobody)))).stdout)
    expect(outcome).toEqual({ [process.pid]: 'EPERM', [nobody]: 'ESRCH' })
    for (const time of ['first', 'second']) {
      const error = await rejected(session.close())
      expect(error, time).toBeInstanceOf(TeardownError)
      expect((error as TeardownError).errors, time).toMatchObject([{ code: 'EBUSY', step: 'jail-dying', detail: expect.stringContaining('F_SETOWN') as unknown }])
      // Not its user either, of whom there are few.
      const { jails, ...after } = await hostState()
      expect({ ...after, jails: before.jails, descriptors: before.descriptors }, time).toEqual(before)
      expect(jails.filter((one) => !before.jails.includes(one)), time).toEqual([`${name} (dying)`])
    }
    expect(await build({ output: folders.output }, ['true'])).toMatchObject({ exitCode: 0 })
  })
})
