import { afterAll, expect, test } from 'vitest'

import { openSession, type Spec } from '../../src/index.ts'
import { useFolders } from '../session/folders.ts'
import { describeSession } from '../session/kernel.ts'
import { leftBehind, lookWhenSettled } from './left-behind.ts'
import { openFirst, openFirstWithFault } from './open-first.ts'
import { firstOpenSteps } from './steps.ts'
import { isTolerated } from './tolerated.ts'
import { walk, wrongInCase, type Case } from './walk.ts'
import { wrongInTold } from './told.ts'

describeSession('when a system call of what only the first opening does fails', () => {
  const folders = useFolders()
  let cases = 0
  afterAll(() => console.log(`opening for the first time: ${cases} cases`))

  test('the error tells which, and nothing is left', async () => {
    const spec: Spec = { inputs: { src: folders.input }, output: folders.output }
    await (await openSession(spec)).close()
    const before = await lookWhenSettled(folders.output)
    const { calls } = await openFirst(spec, { action: 'count' })
    // Before anything is made, the watcher is told where.
    const own = calls.slice(0, calls.indexOf('send') + 1)

    const play = async (one: Case): Promise<string[]> => {
      const { error, met } = await openFirstWithFault(spec, one)
      const wrong = error === undefined ? (isTolerated('open', met ?? one) ? [] : ['it was tolerated']) : wrongInTold(error, one, firstOpenSteps)
      return [...wrongInCase(one, met), ...wrong, ...(await leftBehind(before, folders.output))]
    }
    const walked = await walk(own, play)
    cases = walked.cases
    expect(walked.problems).toEqual([])
    expect(cases).toBeGreaterThan(0)
  })
})
