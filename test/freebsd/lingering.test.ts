import { spawnSync } from 'node:child_process'
import { expect, onTestFinished, test } from 'vitest'

import { build, openSession, type Spec } from '../../src/index.ts'
import { answers, armed, attack, said } from '../session/attacks/attack.ts'
import { useFolders } from '../session/folders.ts'
import { expectSameState, hostState } from '../session/host-state.ts'
import { probe } from '../probe/compiled-probe.ts'
import { describeFreebsd } from './guest.ts'

const describeProbed = 'folder' in probe ? describeFreebsd : describeFreebsd.skip

describeProbed('the end of a session', () => {
  const folders = useFolders()

  const things: readonly (readonly [what: string, words: readonly string[], count: number])[] = [
    ['terminals whose output nobody reads', ['terminals'], 100],
    ['record locks', ['locks', '/output/file'], 100_000],
    ['names of shared memory', ['names'], 20_000],
  ]
  // promise: 18
  test.each(things)('does not take long though a build has %s', { timeout: 120_000 }, async (what, words, count) => {
    const before = await hostState()
    await using neighbour = await openSession({})
    const session = await openSession(armed({ output: folders.output }))
    const lingering = session.spawn(attack('lingers', ...words, String(count)))
    await said(lingering, `made: ${count}`)
    const beside = performance.now()
    await build({}, ['true'])
    const start = performance.now()
    const resident = process.memoryUsage().rss
    await session.close()
    console.log(`${what}: close took ${(performance.now() - start).toFixed(0)} ms and ${((process.memoryUsage().rss - resident) / 1024 / 1024).toFixed(0)} MiB, another session ${(start - beside).toFixed(0)} ms`)
    expect(performance.now() - start).toBeLessThan(10_000)
    await neighbour.close()
    await expectSameState(before)
  })

  const users: readonly Spec['user'][] = [undefined, 'root']
  // promise: 18
  test.each(users)('takes away POSIX message queues (user %s), where the host has them, and no other session sees one', async (user) => {
    const has = (): boolean => spawnSync('kldstat', ['-q', '-m', 'mqueuefs']).status === 0
    if (!has()) {
      expect(spawnSync('kldload', ['mqueuefs']).status).toBe(0)
      onTestFinished(() => void spawnSync('kldunload', ['mqueuefs']))
    }
    const queues = (): string => spawnSync('sysctl', ['-n', 'kern.mqueue.curmq'], { encoding: 'utf8' }).stdout.trim()
    const before = queues()
    const spec = armed(user === undefined ? {} : { user })
    const queueIn = async (session: Awaited<ReturnType<typeof openSession>>, word: string): Promise<unknown> => answers((await session.run(attack('memory', word, 'queue'))).stdout)['mq_open']
    const session = await openSession(spec)
    expect([await queueIn(session, 'leave'), await queueIn(session, 'find')]).toEqual(['ok', 'ok'])
    expect(Number(queues())).toBe(Number(before) + 1)
    await using other = await openSession(spec)
    expect(await queueIn(other, 'find')).toBe('ENOENT')
    await session.close()
    await expect.poll(queues, { timeout: 5000 }).toBe(before)
  })
})
