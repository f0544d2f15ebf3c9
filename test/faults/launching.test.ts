import { existsSync, rmSync } from 'node:fs'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'

import { openSession } from '../../src/index.ts'
import { useFolders } from '../session/folders.ts'
import { describeSession } from '../session/kernel.ts'
import { leftBehind, lookWhenSettled } from './left-behind.ts'
import { differences, tellInside } from './session-facts.ts'
import { launchSteps, stepsAfterExecution } from './steps.ts'
import { stride } from './stride.ts'
import { isTolerated } from './tolerated.ts'
import { wrongInError } from './told.ts'
import { callsOf, walk, withFault, wrongInCase, type Case } from './walk.ts'

describeSession('when a system call of launching fails', () => {
  const folders = useFolders()
  let cases = 0
  afterAll(() => console.log(`launching: ${cases} cases`))

  test('the command is not executed, or runs as it should; the session is as good as before, and nothing is left', async () => {
    const spec = { inputs: { src: folders.input }, output: folders.output, limits: { openFiles: 1000, fileSize: '1G', stdio: '1G' } } as const
    const executed = path.join(folders.output, 'executed')
    const first = await openSession(spec)
    const expected = await tellInside(first)
    await first.close()
    // The first command of a session that is the only one: nothing was made ready for it.
    const second = await openSession(spec)
    const calls = await callsOf(() => tellInside(second))
    await second.close()
    const before = await lookWhenSettled(folders.output)

    const play = async (one: Case): Promise<string[]> => {
      const wrong: string[] = []
      const session = await openSession(spec)
      rmSync(executed, { force: true })
      const { outcome, met } = await withFault(one, () => tellInside(session))
      if ('error' in outcome) {
        wrong.push(...wrongInError(outcome.error, one, launchSteps))
        if (existsSync(executed) && !stepsAfterExecution.includes((outcome.error as NodeJS.ErrnoException & { step?: string }).step ?? '')) {
          wrong.push('the command was executed')
        }
      } else {
        if (!isTolerated('launch', met ?? one)) wrong.push('it was tolerated')
        wrong.push(...differences(outcome.value, expected))
      }
      wrong.push(...differences(await tellInside(session), expected))
      await session.close()
      return [...wrongInCase(one, met), ...wrong, ...(await leftBehind(before, folders.output))]
    }
    const walked = await walk(calls, play)
    cases = walked.cases
    expect(walked.problems).toEqual([])
    // On Linux most calls of a launch are init's, which is another program: ours make the pipes and send the message.
    if (process.platform === 'linux') expect(calls).toEqual(expect.arrayContaining(['pipe2', 'sendmsg']))
    else expect(cases).toBeGreaterThan(100 / stride)
  })
})
