import { expect, test } from 'vitest'

import { build, listSessions, openSession, recover } from '../../src/index.ts'
import { usePrograms } from './controlled.ts'
import { useFolders } from './folders.ts'
import { expectSameState, hostState } from './host-state.ts'
import { describeSession } from './kernel.ts'
import { rejected } from './rejected.ts'

describeSession('a host program that is stopped', () => {
  const folders = useFolders()
  const programs = usePrograms()

  // promise: 15, 19
  test('keeps its session and output from others, holds nobody up, and leaves nothing when it is killed', { timeout: 60_000 }, async () => {
    const before = await hostState()
    const program = await programs.start(folders.output)
    process.kill(program.pid, 'SIGSTOP')
    const start = performance.now()
    expect(await rejected(openSession({ output: folders.output }))).toMatchObject({ code: 'EBUSY' })
    expect((await build({ inputs: { src: folders.input } }, ['cat', '/inputs/src/given.txt'])).stdout).toBe('given')
    expect(await recover()).toMatchObject({ recovered: [] })
    expect(performance.now() - start).toBeLessThan(9000)
    expect((await listSessions()).filter(({ pid }) => pid === program.pid)).toMatchObject([{ state: 'live' }])
    await program.kill()
    await expect.poll(async () => (await listSessions()).filter(({ pid }) => pid === program.pid), { timeout: 5000 }).toEqual([])
    await build({ output: folders.output }, ['touch', '/output/made'])
    await expectSameState(before)
  })
})
