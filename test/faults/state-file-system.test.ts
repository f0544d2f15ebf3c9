import { existsSync } from 'node:fs'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'

import { describeFreebsd } from '../freebsd/guest.ts'
import { useFolders } from '../session/folders.ts'
import { leftBehind, lookWhenSettled } from './left-behind.ts'
import { openFirst, openFirstWithFault } from './open-first.ts'
import { openSteps } from './steps.ts'
import { stride } from './stride.ts'
import { isTolerated } from './tolerated.ts'
import { wrongInTold } from './told.ts'
import { walk, wrongInCase, type Case } from './walk.ts'

describeFreebsd('when a system call of mounting the state directory fails', () => {
  const folders = useFolders()
  let cases = 0
  afterAll(() => console.log(`mounting the state directory: ${cases} cases`))

  test('the error tells which, and nothing is left; or it is mounted all the same', async () => {
    const spec = { stateDirectory: path.join(folders.top, 'state') }
    await openFirst(spec, { action: 'count' })
    const before = await lookWhenSettled(folders.output)
    const { calls } = await openFirst(spec, { action: 'count' })
    // From when the watcher is told of it to when it is found mounted.
    const [told, found] = [calls.indexOf('send'), calls.indexOf('fstatfs', calls.indexOf('nmount'))]

    const play = async (one: Case): Promise<string[]> => {
      const { error, met } = await openFirstWithFault(spec, one)
      const wrong = error === undefined ? (isTolerated('open', met ?? one) ? [] : ['it was tolerated']) : wrongInTold(error, one, openSteps)
      if (existsSync(`${spec.stateDirectory}.lock`)) wrong.push('the file beside it is left')
      return [...wrongInCase(one, met), ...wrong, ...(await leftBehind(before, folders.output))]
    }
    const walked = await walk(calls.slice(0, found + 1), play, told + 1)
    cases = walked.cases
    expect(walked.problems).toEqual([])
    expect(cases).toBeGreaterThan(50 / stride)
  })

  test('it is mounted all the same where another program was quicker', async () => {
    const spec = { stateDirectory: path.join(folders.top, 'state') }
    await openFirst(spec, { action: 'count' })
    const { calls } = await openFirst(spec, { action: 'count' })
    const earlier = calls.slice(0, calls.indexOf('nmount'))
    for (const errno of ['EBUSY', 'ENOENT'] as const) {
      const one = { nth: earlier.length + 1, call: 'nmount', earlier, errno }
      const { error, met } = await openFirstWithFault(spec, one)
      expect({ errno, error, call: met?.call }).toEqual({ errno, error: undefined, call: 'nmount' })
    }
  })
})
