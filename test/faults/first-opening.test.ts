import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { afterAll, expect, test } from 'vitest'

import { openSession, type Spec } from '../../src/index.ts'
import { useFolders } from '../session/folders.ts'
import { describeSession } from '../session/kernel.ts'
import type { FaultRequest, Made } from './controls.ts'
import { errnoOf } from './errnos.ts'
import { leftBehind, lookAround } from './left-behind.ts'
import { firstOpenSteps } from './steps.ts'
import { isTolerated } from './tolerated.ts'
import { walk, wrongInCase, type Case } from './walk.ts'
import { wrongInTold, type Told } from './told.ts'

describeSession('when a system call of what only the first opening does fails', () => {
  const folders = useFolders()
  let cases = 0
  afterAll(() => console.log(`opening for the first time: ${cases} cases`))

  test('the error tells which, and nothing is left', async () => {
    const spec: Spec = { inputs: { src: folders.input }, output: folders.output }
    await (await openSession(spec)).close()
    const before = await lookAround(folders.output)
    const { calls } = await openFirst(spec, { action: 'count' })
    // Before anything is made, the watcher is told where.
    const own = calls.slice(0, calls.indexOf('send') + 1)

    const play = async (one: Case): Promise<string[]> => {
      const { error, calls: made, hits } = await openFirst(spec, { action: 'fail', nth: one.nth, errno: errnoOf(one.errno) })
      const call = made[one.nth - 1]
      const met = hits === 0 || call === undefined ? undefined : { ...one, call, earlier: made.slice(0, one.nth - 1) }
      const wrong = error === undefined ? (isTolerated('open', one) ? [] : ['it was tolerated']) : wrongInTold(error, one, firstOpenSteps)
      return [...wrongInCase(one, met), ...wrong, ...(await leftBehind(before, folders.output))]
    }
    const walked = await walk(own, play)
    cases = walked.cases
    expect(walked.problems).toEqual([])
    expect(cases).toBeGreaterThan(0)
  })
})

async function openFirst(spec: Spec, fault: FaultRequest): Promise<Made & { readonly error?: Told }> {
  const worker = new Worker(new URL('first-opening.mjs', import.meta.url), { workerData: { spec, fault } })
  const ended = once(worker, 'exit')
  const [told] = (await once(worker, 'message')) as [Made & { readonly error?: Told }]
  await ended
  return told
}
