import { existsSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'

import { openSession, TeardownError, type Session } from '../../src/index.ts'
import { useFolders } from '../session/folders.ts'
import { describeSession } from '../session/kernel.ts'
import { leftBehind, lookWhenSettled } from './left-behind.ts'
import { wrongInError, type Steps } from './told.ts'
import { callsOf, walk, withFault, type Case } from './walk.ts'

const script = 'mkdir -p a/b; echo text > a/b/file; ln a/b/file a/name; ln -s file a/b/link; exit 3'

describeSession('when a system call fails of keeping what a failed command left', () => {
  const folders = useFolders()
  let cases = 0
  afterAll(() => console.log(`keeping: ${cases} cases`))

  test('the session closes all the same, and says which; or all of it is kept', async () => {
    const keep = path.join(folders.top, 'kept')
    const openFailed = async (more: { keep?: string }): Promise<Session> => {
      const session = await openSession({ output: folders.output, ...more })
      await session.run(['sh', '-c', script], { reject: false })
      return session
    }
    const callsWith = async (more: { keep?: string }): Promise<readonly string[]> => {
      const session = await openFailed(more)
      return await callsOf(() => session.close())
    }
    await callsWith({ keep })
    const before = await lookWhenSettled(folders.output)
    const [withKeep, without] = [await callsWith({ keep }), new Set(await callsWith({}))]
    // Keeping comes before closing, and closing polls as often as processes take to end. So keeping is known to end with the last call
    // that a session without `keep` does not make.
    const calls = withKeep.slice(0, withKeep.findLastIndex((call) => !without.has(call)) + 1)
    // First of all everything is ended: by a message to init on Linux, by calls on FreeBSD that are steps of their own.
    const steps: Steps = Object.fromEntries(calls.map((call) => [call, process.platform === 'linux' ? ['keep', 'launch'] : ['keep', 'kill', call]]))

    const play = async (one: Case): Promise<string[]> => {
      rmSync(keep, { recursive: true, force: true })
      const session = await openFailed({ keep })
      const { outcome, met } = await withFault(one, () => session.close())
      const wrong: string[] = []
      if ('error' in outcome) {
        // As closing polls as often as it takes, the fault may have come after keeping. Then the next close does the rest.
        if (met?.call === 'poll' && outcome.error instanceof TeardownError) await session.close().catch((error: unknown) => wrong.push(`the next close: ${String(error)}`))
        else wrong.push(`it does not close: ${String(outcome.error)}`)
      }
      const { kept } = session
      if (kept === undefined) wrong.push('nothing is told of it')
      else if (kept.error !== undefined) wrong.push(...wrongInError(kept.error, met ?? one, steps))
      else if (!isLeftOut(kept.left, met)) wrong.push(...wrongInCopy(path.join(kept.path, 'tmp')))
      return [...wrong, ...(await leftBehind(before, folders.output))]
    }
    const walked = await walk(calls, play)
    cases = walked.cases
    expect(walked.problems).toEqual([])
    expect(calls).toEqual(expect.arrayContaining(['mkdirat', 'linkat', 'symlinkat', 'pwrite', 'fchmod']))
  })
})

/** A file system without links has a copy without them, and that is told. */
function isLeftOut(left: readonly string[], met: Case | undefined): boolean {
  const link = { linkat: /^tmp\/a\/(b\/file|name)$/, symlinkat: /^tmp\/a\/b\/link$/ }[met?.call ?? '']
  return link !== undefined && (met?.errno === 'EPERM' || met?.errno === 'ENOSYS') && left.length === 1 && link.test(left[0] ?? '')
}

function wrongInCopy(copy: string): string[] {
  const file = path.join(copy, 'a/b/file')
  if (!existsSync(file)) return ['the copy is not whole, and nothing is told of it']
  const isWhole = readFileSync(file, 'utf8') === 'text\n' && statSync(file).nlink === 2 && readlinkSync(path.join(copy, 'a/b/link')) === 'file'
  return isWhole ? [] : ['the copy is not as it was, and nothing is told of it']
}
