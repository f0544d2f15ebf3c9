import { expect, test } from 'vitest'

import { openSession, recover } from '../../src/index.ts'
import { stateDirectoryOf } from '../../src/spec/state-directory.ts'
import { describeSession } from '../session/kernel.ts'
import { faults } from './controls.ts'
import { errnoOf } from './errnos.ts'

describeSession('when a system call of a recovery fails', () => {
  test('a state directory that cannot be read to its end is told of, not taken for one with less in it', async () => {
    await using session = await openSession({})
    faults().arm({ action: 'fail', call: 'readdir', nth: 2, errno: errnoOf('ENOMEM') })
    const report = await recover()
    expect(faults().disarm().hits).toBe(1)
    expect(report).toEqual({ recovered: [], leftAlone: [{ path: stateDirectoryOf(), reason: expect.stringMatching(/^readdir .*ENOMEM/) }] })
    expect((await session.run(['echo', 'here'])).stdout).toBe('here')
  })
})
