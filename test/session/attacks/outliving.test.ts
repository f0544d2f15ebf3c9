import { readFileSync, rmSync, statSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'

import { openSession, type Spec } from '../../../src/index.ts'
import { hasCapability } from '../../linux/host.ts'
import { useFolders } from '../folders.ts'
import { isFreebsd } from '../kernel.ts'
import { expectSilence } from '../silence.ts'
import { armed, attack, describeAttack, isRoot } from './attack.ts'

const users: readonly Spec['user'][] = [undefined, 'root']
/** More than it takes from the first beat on. */
const floodsAfterMs = 500
const timed = { timeout: 1000, forceKillAfterDelay: 100, reject: false } as const

const ways: readonly (readonly [what: string, words: readonly string[]])[] = [
  ['stops everything, all the time', ['flood', '/output/beats']],
  ['goes on by one process after the other', ['chain', '/output/beats']],
  ...(isFreebsd
    ? []
    : ([
        ['has a child that keeps every SIGSTOP from it', ['/output/beats']],
        ['has such a child, and dies with it', ['/output/beats', 'exitkill']],
      ] as const)),
]

describeAttack('a command that does not want to end', () => {
  const folders = useFolders()

  const specOf = (user: Spec['user']): Spec => armed({ output: folders.output, ...(user !== undefined && { user }) })
  const size = (): number => statSync(path.join(folders.output, 'beats')).size

  const cases = users.flatMap((user) => ways.map(([what, words]) => [user ?? 'the build user', what, user, words] as const))

  // promise: 42
  test.each(cases)('as %s, and %s: its timeout ends it with all that it started, and its session goes on', { timeout: 110_000 }, async (_, __, user, words) => {
    await using session = await openSession(specOf(user))
    for (let round = 0; round < 3; round++) {
      expect(await session.run(attack('outlive', ...words), timed)).toMatchObject({ timedOut: true })
      await expectSilence(size)
      expect((await session.run(['echo', 'usable'])).stdout).toBe('usable')
    }
  })

  // promise: 42
  test.skipIf(isFreebsd).for(users.map((user) => [user ?? 'the build user', user] as const))('as %s, and is traced by a command beside it: its timeout ends it with all that it started', { timeout: 110_000 }, async ([, user], context) => {
    if (isRoot && !hasCapability(24)) return context.skip('root has no CAP_SYS_RESOURCE here, by which a traced process starts nothing more')
    await using session = await openSession(specOf(user))
    for (let round = 0; round < 2; round++) {
      const run = session.run(attack('outlive', '/output/beats', 'beside'), { ...timed, timeout: 2000 })
      const tracer = await session.run(attack('outlive', 'trace', '/output/beats'), { reject: false })
      // It ends with what it traces.
      expect(tracer).toMatchObject({ stdout: 'traced', exitCode: 0 })
      expect(await run).toMatchObject({ timedOut: true, signal: 'SIGKILL' })
      await expectSilence(size)
      expect(readFileSync(path.join(folders.output, 'beats.limit'), 'utf8')).toBe('0\n')
      for (const name of ['beats.pid', 'beats.limit']) rmSync(path.join(folders.output, name))
    }
  })

  // promise: 42
  test.each(cases)('as %s, and %s: killAll and the end of its session end it', { timeout: 110_000 }, async (_, __, user, words) => {
    const session = await openSession(specOf(user))
    const killed = session.run(attack('outlive', ...words), { reject: false })
    await expect.poll(size, { timeout: 20_000 }).toBeGreaterThan(0)
    await sleep(floodsAfterMs)
    await session.killAll()
    expect((await killed).signal).toBe('SIGKILL')
    await expectSilence(size)
    const closed = session.run(attack('outlive', ...words), { reject: false })
    const before = size()
    await expect.poll(size, { timeout: 20_000 }).toBeGreaterThan(before)
    await sleep(floodsAfterMs)
    await session.close()
    expect((await closed).signal).toBe('SIGKILL')
    await expectSilence(size)
  })
})
