import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'

import { openSession, type Spec } from '../../../src/index.ts'
import { cgroupOf, describeLimits, isUnified, limitsOf, said } from '../../linux/cgroups.ts'
import { answers, armed, attack } from './attack.ts'

const users: readonly Spec['user'][] = [undefined, 'root']

;(process.platform === 'linux' ? describeLimits : describe.skip)('the limits of a session', () => {
  // promise: 44
  test.each(users)('are not lifted by a build as %s that may have namespaces, and mounts its cgroups there', async (user) => {
    const limits = { memory: 64 * 1024 ** 2, processes: 16, cpus: 0.5 }
    await using session = await openSession(armed({ limits, allow: ['user-namespaces'], ...(user === undefined ? {} : { user }) }))
    const init = Number(/^\/proc\/(\d+)\/root$/.exec((await session.record()).root)?.[1])
    const directories = ['memory', 'pids', 'cpu'].map((controller) => limitsOf(init, controller))
    const files = ['memory.max', 'memory.limit_in_bytes', 'pids.max', 'cpu.max', 'cpu.cfs_quota_us']
    const look = (): string[] =>
      directories.flatMap((directory) => files.flatMap((file) => (existsSync(path.join(directory, file)) ? [`${file} ${said(directory, file)}`] : [])))
    const before = look()
    expect(before.length).toBeGreaterThanOrEqual(3)
    const own = readFileSync(`/proc/${init}/cgroup`, 'utf8')

    const tried = answers((await session.run(attack('lift_limits'))).stdout)
    const seen = Object.entries(tried).filter(([what]) => what.endsWith(', seen'))
    // It has mounted at least one, so that it has met what it would lift.
    expect(seen.length).toBeGreaterThan(0)
    expect(Object.entries(tried).filter(([, answer]) => answer === 'ok')).toEqual([])
    expect(look()).toEqual(before)
    expect(readFileSync(`/proc/${init}/cgroup`, 'utf8')).toBe(own)
    // Of version 2 the files of limits are in the cgroup above, which is out of its sight.
    if (isUnified(cgroupOf('self', 'memory') ?? '')) expect(tried['cgroup2, seen']).not.toBe('0')
  })
})
