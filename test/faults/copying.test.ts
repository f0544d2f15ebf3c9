import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'

import { openSession, planOf, type Plan, type Session } from '../../src/index.ts'
import { withCopyAt } from '../../src/spec/plan.ts'
import { useFolders } from '../session/folders.ts'
import { describeSession, isFreebsd } from '../session/kernel.ts'
import { leftBehind, lookWhenSettled } from './left-behind.ts'
import { openSteps } from './steps.ts'
import { wrongInError, type Steps } from './told.ts'
import { callsOf, walk, withFault, wrongInCase, type Case } from './walk.ts'

// FreeBSD has all of it in one part, and nobody has looked which calls that makes.
const describeCopying = isFreebsd ? describeSession.skip : describeSession

describeCopying('when a system call of copying an input fails', () => {
  const folders = useFolders()
  let cases = 0
  afterAll(() => console.log(`copying: ${cases} cases`))

  test('the error tells which, and nothing is left; or the copy is whole', async () => {
    mkdirSync(path.join(folders.input, 'a/b'), { recursive: true })
    writeFileSync(path.join(folders.input, 'a/b/file'), 'text\n')
    symlinkSync('file', path.join(folders.input, 'a/b/link'))
    // No blank is for it, so that each opening makes the same calls.
    const plan = planOf({ inputs: { '/w': { path: folders.input, overlay: true } }, cwd: '/w', network: 'host' })
    const copied = withCopyAt(plan, '/w', 'this test') as Plan
    const open = (of: Plan = copied): Promise<Session> => openSession(of)
    const callsWith = async (of: Plan): Promise<readonly string[]> => {
      await (await open(of)).close()
      await lookWhenSettled(folders.output)
      let session: Session | undefined
      const made = await callsOf(async () => (session = await open(of)))
      await session?.close()
      return made
    }
    const calls = await callsWith(copied)
    const before = await lookWhenSettled(folders.output)
    const steps: Steps = Object.fromEntries([...new Set(calls)].map((call) => [call, [...(openSteps[call] ?? []), 'copy']]))

    const play = async (one: Case): Promise<string[]> => {
      const { outcome, met = one } = await withFault(one, () => open())
      const wrong = 'error' in outcome ? wrongInError(outcome.error, met, steps) : await wrongInCopy(outcome.value)
      return [...wrongInCase(one, met), ...wrong, ...(await leftBehind(before, folders.output))]
    }
    const walked = await walk(calls, play)
    cases = walked.cases
    expect(walked.problems).toEqual([])
    expect(calls).toEqual(expect.arrayContaining(['mkdirat', 'readlinkat', 'symlinkat', 'lseek', 'pread', 'pwrite', 'fchmod', 'futimens', 'utimensat']))
  })
})

async function wrongInCopy(session: Session): Promise<string[]> {
  const { stdout } = await session.run(['sh', '-c', 'cat given.txt a/b/link; cd a/b; ls'])
  await session.close()
  return stdout === 'given\ntext\nfile\nlink' ? [] : [`the copy is not whole, and nothing is told of it: ${stdout}`]
}
