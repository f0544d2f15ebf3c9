import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

import { build, openSession, type Spec } from '../../src/index.ts'
import { answers, armed, attack, describeAttack, onHost } from '../session/attacks/attack.ts'
import { describeLinux, hasCapability } from './host.ts'

const mib = 1024 ** 2
const users: readonly Spec['user'][] = [undefined, 'root']
const as = (user: Spec['user'], spec: Spec = {}): Spec => armed({ ...spec, ...(user === undefined ? {} : { user }) })

/** What is bounded though nobody asks for it. */
;(process.platform === 'linux' ? describeAttack : describeLinux)('a build with no limit of its own', () => {
  // promise: 46
  test.each(users)('ends before the host program where memory runs out (user %s)', async (user) => {
    const score = (pid: number | 'self'): string => readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8').trim()
    const before = score('self')
    await using session = await openSession(as(user))
    const child = session.spawn(['sleep', '60'])
    await expect.poll(() => child.pid).toBeDefined()
    expect(score(child.pid ?? 0)).toBe('1000')
    // Of which the children share the memory for a while (proc_pid_oom_score_adj(5)).
    expect(score('self')).toBe(before)
  })

  // It takes a capability on the host, CAP_SYS_RESOURCE: the build of a host program without it can have itself killed as late as that.
  test.runIf(hasCapability(24)).each(users)('cannot have itself killed later (user %s)', async (user) => {
    const tried = answers((await build(as(user), attack('hog', 'score'))).stdout)
    expect(Object.keys(tried)).toHaveLength(5)
    expect(Object.entries(tried).filter(([, answer]) => answer === 'ok')).toEqual([])
  })

  // promise: 46
  test.each(users)('cannot have itself killed after the host program (user %s)', async (user) => {
    const own = Number(readFileSync('/proc/self/oom_score_adj', 'utf8'))
    const tried = answers((await build(as(user), attack('hog', 'score'))).stdout)
    expect(Object.keys(tried)).toHaveLength(5)
    const lowered = Object.entries(tried).filter(([, answer]) => answer === 'ok').map(([score]) => Number(score))
    expect(lowered.filter((score) => !(score >= own))).toEqual([])
  })

  // promise: 45
  test.each(users)('makes so many files in /tmp and /dev/shm, and no more (user %s)', async (user) => {
    await using session = await openSession(as(user, { limits: { tmpSize: mib } }))
    for (const folder of ['/tmp', '/dev/shm']) {
      const { made, 'the next': next } = answers((await session.run(attack('hog', 'names', folder, '100000'))).stdout)
      expect(Number(made)).toBeGreaterThan(1000)
      expect(Number(made)).toBeLessThanOrEqual(1024)
      expect(next).toBe('No space left on device')
    }
  })

  test('makes as many as the spec says', async () => {
    const { stdout } = await build(armed({ limits: { tmpFiles: 100 } }), attack('hog', 'names', '/tmp', '1000'))
    expect(answers(stdout)['made']).toBe('100')
  })

  // promise: 45, 48
  test.each(users)('takes a part of what its host has once, and not all (user %s)', async (user) => {
    const [file = '', ...args] = onHost('hog', 'tables')
    const host = answers(spawnSync(file, args, { encoding: 'utf8' }).stdout)
    const taken = answers((await build(as(user), attack('hog', 'tables'))).stdout)
    expect(Number(taken['terminals'])).toBeLessThanOrEqual(128)
    expect(Number(taken['queues'])).toBeGreaterThan(1)
    expect(Number(taken['queues'])).toBeLessThan(Number(host['queues']))
    expect(Number(taken['inotify'])).toBe(32)
  })
})
