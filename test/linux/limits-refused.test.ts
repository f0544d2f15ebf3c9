import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { describe, expect, test } from 'vitest'

import { openSession, preflight } from '../../src/index.ts'
import { describeLinux, isRoot } from './host.ts'

/** A program that opens a session with those limits, and tells what came of it and what doctor says. */
const program = (limits: object, script: string): string => `import { openSession, preflight } from ${JSON.stringify(path.resolve('dist/index.js'))}
  const opened = await openSession({ limits: ${JSON.stringify(limits)} }).catch((error) => error)
  const { detail, message } = opened
  const ran = opened instanceof Error ? '' : (await opened.run(${JSON.stringify(['sh', '-c', script])})).stdout
  const held = opened instanceof Error ? [] : (await opened.record()).limits
  const steps = opened instanceof Error ? [] : opened.steps.map(({ step }) => step)
  if (!(opened instanceof Error)) await opened.close()
  const limitation = preflight().limitations.find(({ check }) => check === 'limits')
  console.log(JSON.stringify({ detail: detail ?? message, ran, held, steps, limitation }))`

interface Told {
  readonly detail?: string
  readonly ran: string
  readonly held: readonly { readonly limit: string; readonly value: number; readonly by: string }[]
  readonly steps: readonly string[]
  readonly limitation?: { readonly problem: string; readonly remedy: string }
}

/** In a mount namespace of its own, after `before`. */
function run(before: string, limits: object, script = 'echo there'): Told {
  const words = ['--mount', 'sh', '-c', `${before} && exec "$@"`, 'sh', process.execPath, '--input-type=module', '-e', program(limits, script)]
  const { stdout, stderr } = spawnSync('unshare', words, { encoding: 'utf8' })
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout) as Told
}

const unmounted = 'for at in $(grep -E " - cgroup2? " /proc/self/mountinfo | cut -d" " -f5); do umount -l $at || exit 1; done'
const readOnly = 'for at in $(grep -E " - cgroup2? " /proc/self/mountinfo | cut -d" " -f5); do mount -o remount,bind,ro $at || exit 1; done'

;(isRoot ? describeLinux : describe.skip)('where a host can hold no limit', () => {
  // promise: 43
  test.each([
    ['no cgroups are mounted', unmounted, /mount one/],
    ['cgroups are read-only, as in containers', readOnly, /begin it as root|^mount .* so that it can be written to|; remedy: mount .* so that it can be written to/],
  ])('as %s, a session is refused that asks for one, in one sentence that names it and what to do, and doctor says the same', (_, before, remedy) => {
    for (const [name, value] of Object.entries({ memory: '64M', processes: 8, cpus: 1, cpuTime: 1000 })) {
      const { detail = '', ran, limitation } = run(before, { [name]: value })
      expect(ran).toBe('')
      expect(detail).toContain(`${name}: `)
      expect(detail).toMatch(remedy)
      expect(limitation?.remedy).toMatch(remedy)
    }
  })

  describe('and the spec wants the best that can be had', () => {
    const bestEffort = (limits: object, script?: string): Told => run(unmounted, { ...limits, policy: 'best-effort' }, script)

    test('the session has no cgroup, and tells what it has instead', () => {
      const { ran, steps, held } = bestEffort({ memory: '64M', processes: 8, cpus: 1 })
      expect(ran).toBe('there')
      expect(steps).not.toContain('cgroup')
      expect(held).toEqual([
        { limit: 'memory', value: 64 * 2 ** 20, by: 'RLIMIT_DATA, for each process' },
        { limit: 'processes', value: 8, by: 'RLIMIT_NPROC, for each user' },
      ])
    })

    test('a process that takes more memory is refused it, and one that takes less is not; nobody raises that', () => {
      // dd(1) has a block of that size in its heap.
      const takes = (size: string): string => `dd if=/dev/zero of=/dev/null bs=${size} count=1 2>/dev/null && echo taken || echo refused`
      expect(bestEffort({ memory: '64M' }, takes('16M')).ran).toBe('taken')
      expect(bestEffort({ memory: '64M' }, takes('128M')).ran).toBe('refused')
      expect(bestEffort({ memory: '64M' }, 'ulimit -d; ulimit -Hd unlimited 2>/dev/null || ulimit -Hd').ran).toBe('65536\n65536')
    })

    test('no more processes run than that, and as many do', () => {
      const sleeps = (count: number): string => `i=0; while [ $i -lt ${count} ]; do sleep 1 2>/dev/null & i=$((i + 1)); done 2>/dev/null; wait; echo all`
      expect(bestEffort({ processes: 8 }, sleeps(7)).ran).toBe('all')
      expect(bestEffort({ processes: 8 }, `(${sleeps(8)}) 2>/dev/null || echo refused`).ran).toBe('refused')
    })

    test('a limit that a cgroup holds is not held a second time', () => {
      const { held } = run('true', { memory: '64M', policy: 'best-effort' }, 'ulimit -d')
      expect(held.map(({ by }) => by)).toEqual([expect.stringMatching(/^memory\./)])
    })
  })

  test('sessions without limits are as good as ever', () => {
    expect(run(unmounted, {}).ran).toBe('there')
  })
})

const hasNoCgroup = !isRoot && preflight().limitations.some(({ check }) => check === 'limits')

describeLinux('a session of an ordinary user who may make no cgroup (skipped for others)', () => {
  test.runIf(hasNoCgroup)('counts commands that are launched as processes, and not its init', async () => {
    await using session = await openSession({ limits: { processes: 8, policy: 'best-effort' } })
    const sleeping = Array.from({ length: 12 }, () => session.run(['sleep', '2']).then(() => 'slept', String))
    const told = await Promise.all(sleeping)
    expect(told.filter((one) => one === 'slept')).toHaveLength(8)
    expect(told.find((one) => one !== 'slept')).toContain('as many run in the session as limits.processes lets it have')
  })
})
