import { afterAll, expect, test } from 'vitest'

import { openSession, planOf, type Session } from '../../src/index.ts'
import { useFolders } from '../session/folders.ts'
import { describeSession } from '../session/kernel.ts'
import { blanksAreReady } from './blanks.ts'
import { plainAndFull } from './full.ts'
import { leftBehind, lookWhenSettled } from './left-behind.ts'
import { openSteps } from './steps.ts'
import { differences, factsOf } from './session-facts.ts'
import { stride } from './stride.ts'
import { isTolerated } from './tolerated.ts'
import { wrongInError } from './told.ts'
import { callsOf, walk, withFault, wrongInCase, type Case } from './walk.ts'

describeSession('when a system call of opening fails', () => {
  const folders = useFolders()
  let cases = 0
  afterAll(() => console.log(`opening: ${cases} cases`))

  test.each(plainAndFull)('the error tells which, and nothing is left; or the session is as good as any (%s)', async (_, moreIn) => {
    const more = moreIn(folders.top)
    const spec = { ...more, inputs: { ...more.inputs, src: folders.input }, output: folders.output }
    const open = (): Promise<Session> => openSession(planOf(spec))
    // What looking at a session leaves in its output is there before anything is counted.
    const first = await open()
    await factsOf(first)
    await first.close()
    await lookWhenSettled(folders.output)

    const openedWithBlanks = async (): Promise<{ calls: readonly string[]; session: Session }> => {
      await blanksAreReady()
      let session: Session | undefined
      const calls = await callsOf(async () => (session = await open()))
      if (session === undefined) throw new Error('no session')
      return { calls, session }
    }
    // On FreeBSD some sessions make a call more than others, so the walk is of what two in a row make.
    const openedAsUsual = async (): Promise<{ calls: readonly string[]; session: Session }> => {
      let earlier: readonly string[] = []
      for (let attempt = 1; attempt <= 10; attempt += 1) {
        const opened = await openedWithBlanks()
        if (opened.calls.join() === earlier.join()) return opened
        earlier = opened.calls
        await opened.session.close()
        // What is still being taken away is an entry more in a folder that is read.
        await lookWhenSettled(folders.output)
      }
      throw new Error('no two sessions in a row make the same calls')
    }
    const { calls, session } = await openedAsUsual()
    const expected = await factsOf(session)
    await session.close()
    await blanksAreReady()
    const before = await lookWhenSettled(folders.output)

    const playOnce = async (one: Case): Promise<{ met: Case; wrong: string[] }> => {
      const { outcome, met = one } = await withFault(one, open)
      const wrong = 'error' in outcome ? wrongInError(outcome.error, met, openSteps) : await wrongInSession(outcome.value, met, expected)
      await blanksAreReady()
      return { met, wrong: [...wrong, ...(await leftBehind(before, folders.output))] }
    }
    const play = async (one: Case): Promise<string[]> => {
      // A blank may be there and not be ready to be taken yet, so that the calls are others: then it was another case.
      for (let attempt = 1; ; attempt += 1) {
        const { met, wrong } = await playOnce(one)
        if (met.call === one.call || wrong.length > 0 || attempt === 5) return [...wrongInCase(one, met), ...wrong]
        // Or the case before broke off something that is done once. A whole opening does it, and the next makes the usual calls again.
        await (await open()).close()
      }
    }
    const walked = await walk(calls, play)
    cases = walked.cases
    expect(walked.problems).toEqual([])
    expect(cases).toBeGreaterThan(100 / stride)
  })
})

async function wrongInSession(session: Session, one: Case, expected: unknown): Promise<string[]> {
  const wrong = isTolerated('open', one) ? [] : ['it was tolerated']
  wrong.push(...differences(await factsOf(session).catch(String), expected))
  await session.close().catch((failure: unknown) => wrong.push(String(failure)))
  return wrong
}
