import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

import { isBuildjailError, openSession } from '../../src/index.ts'
import { useFolders } from '../session/folders.ts'
import { hostState } from '../session/host-state.ts'
import { describeSession } from '../session/kernel.ts'
import { callsOf, walk, withFault, type Case } from './walk.ts'
import { stride } from './stride.ts'

const given = 'given\n'.repeat(20_000)

describeSession('when a system call fails by which files of the host are read and written for a command', () => {
  const folders = useFolders()

  test('the log is whole, or it is an error; the session goes on, and nothing is left', async () => {
    const [log, input] = [path.join(folders.top, 'log'), path.join(folders.top, 'given')]
    writeFileSync(input, given)
    const session = await openSession({ output: folders.output })
    const copy = () => session.run(['sh', '-c', 'cat; echo end >&2'], { stdin: { file: input }, stdout: { file: log }, stderr: { file: log } })
    await copy()
    const { descriptors } = await hostState()
    // Who is quicker decides how many there are, so a case is any call of that number.
    const calls = await callsOf(copy)
    const play = async (one: Case): Promise<string[]> => {
      rmSync(log, { force: true })
      const { outcome } = await withFault(one, copy)
      const wrong: string[] = []
      if ('error' in outcome && !isBuildjailError(outcome.error)) wrong.push(`the error is ${String(outcome.error)}`)
      if ('value' in outcome && readFileSync(log, 'utf8') !== `${given}end\n`) wrong.push('the log is not whole, and nothing says so')
      if ((await session.run(['echo', 'still'])).stdout !== 'still') wrong.push('the session does not go on')
      return wrong
    }
    const { cases, problems } = await walk(calls, play)
    expect(problems).toEqual([])
    expect(cases).toBeGreaterThan(50 / stride)
    // The pipes of the next command may be made ahead, or not.
    await expect.poll(async () => (await hostState()).descriptors.length).toBeLessThanOrEqual(descriptors.length + 4)
    await session.close()
  })
})
