import { afterAll, expect, test } from 'vitest'

import { openSession, TeardownError, type Session, type Spec } from '../../src/index.ts'
import { useFolders } from '../session/folders.ts'
import { describeSession, isFreebsd } from '../session/kernel.ts'
import { canFailWith } from './errnos.ts'
import { plainAndFull } from './full.ts'
import { leftBehind, lookWhenSettled } from './left-behind.ts'
import { closeSteps } from './steps.ts'
import { stride } from './stride.ts'
import { isTolerated } from './tolerated.ts'
import { wrongInError } from './told.ts'
import { callsOf, walk, withFault, type Case } from './walk.ts'

describeSession('when a system call of closing fails', () => {
  const folders = useFolders()
  let cases = 0
  afterAll(() => console.log(`closing: ${cases} cases`))

  // So that there is more of it to be handed back than its owner.
  const changed = `mkdir -p /output/made; : >> /output/made/file; ${isFreebsd ? 'chflags nodump /output/made/file; chmod 750 /output; chflags uappnd /output' : 'chmod 750 /output'}`
  /** With something running in it that does not end by itself. */
  const openBusy = async (more: Spec): Promise<Session> => {
    const session = await openSession({ ...more, inputs: { ...more.inputs, src: folders.input }, output: folders.output })
    await session.run(['/bin/sh', '-c', `${changed}; sleep 1000 &`], { stdout: 'ignore', stderr: 'ignore' })
    return session
  }

  test.each(plainAndFull)('what could not be undone is told, and the next close undoes it (%s)', async (_, moreIn) => {
    const more = moreIn(folders.top)
    await (await openBusy(more)).close()
    const before = await lookWhenSettled(folders.output)
    const counted = await openBusy(more)
    const calls = await callsOf(() => counted.close())

    // How often it looks whether the last process is gone is the machine's affair, so that its calls have no fixed number:
    // what meets the fault may be another, even one that never fails so.
    const seen = new Set<string>()
    const play = async (one: Case): Promise<string[]> => {
      const session = await openBusy(more)
      const { outcome, met } = await withFault(one, () => session.close())
      const wrong: string[] = []
      if (met !== undefined) seen.add(met.call)
      if ('error' in outcome) {
        wrong.push(...wrongInTeardown(outcome.error, met ?? one))
        await session.close().catch((error: unknown) => wrong.push(`the next close: ${String(error)}`))
      } else if (met !== undefined && canFailWith(met.call, met.errno) && !isTolerated('close', met)) {
        wrong.push(`${met.call}: it was tolerated`)
      }
      return [...wrong, ...(await leftBehind(before, folders.output))]
    }
    const walked = await walk(calls, play)
    cases = walked.cases
    expect(walked.problems).toEqual([])
    // The waiter hears of init's end on a thread of its own, so that its calls come at any moment.
    const besides = ['recvmsg', 'epoll_ctl']
    const missed = [...new Set(calls)].filter((call) => !seen.has(call) && !besides.includes(call))
    // Where a part of the cases is played, a call that comes once need not be among them.
    if (stride === 1) expect(missed).toEqual([])
    expect(cases).toBeGreaterThan(20 / stride)
  })
})

function wrongInTeardown(error: unknown, one: Case): string[] {
  if (!(error instanceof TeardownError)) return [`the error is no TeardownError: ${String(error)}`]
  if (error.errors.length !== 1) return [`it lists ${error.errors.length} errors`]
  return wrongInError(error.errors[0], one, closeSteps)
}
