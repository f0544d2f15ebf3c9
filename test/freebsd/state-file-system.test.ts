import { test } from 'vitest'

import { build, planOf } from '../../src/index.ts'
import { expectSameState, hostState } from '../session/host-state.ts'
import { describeFreebsd } from './guest.ts'

describeFreebsd('the file system of the state directory', () => {
  // There is one while there is a session: the last to go takes it off, while the next is about to need it.
  test('is there for every session, also where others of the process come and go all the time', { timeout: 110_000 }, async () => {
    const before = await hostState()
    const plan = planOf({})
    const lane = async (pause: number): Promise<void> => {
      for (let builds = 0; builds < 40; builds++) {
        await build(plan, ['true'])
        await new Promise((resolve) => setTimeout(resolve, pause))
      }
    }
    await Promise.all([0, 1, 3, 8].map(lane))
    await expectSameState(before)
  })
})
