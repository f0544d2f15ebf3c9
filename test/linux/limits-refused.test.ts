import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { describe, expect, test } from 'vitest'

import { describeLinux, isRoot } from './host.ts'

/** A program that opens a session with those limits, and tells what came of it and what doctor says. */
const program = (limits: object): string => `import { openSession, preflight } from ${JSON.stringify(path.resolve('dist/index.js'))}
  const opened = await openSession({ limits: ${JSON.stringify(limits)} }).catch((error) => error)
  const { detail, message } = opened
  const ran = opened instanceof Error ? '' : (await opened.run(['echo', 'there'])).stdout
  const steps = opened instanceof Error ? [] : opened.trace.map(({ step }) => step)
  if (!(opened instanceof Error)) await opened.close()
  const limitation = preflight().limitations.find(({ check }) => check === 'limits')
  console.log(JSON.stringify({ detail: detail ?? message, ran, steps, limitation }))`

interface Told {
  readonly detail?: string
  readonly ran: string
  readonly steps: readonly string[]
  readonly limitation?: { readonly problem: string; readonly remedy: string }
}

/** In a mount namespace of its own, after `before`. */
function run(before: string, limits: object): Told {
  const words = ['--mount', 'sh', '-c', `${before} && exec "$@"`, 'sh', process.execPath, '--input-type=module', '-e', program(limits)]
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
    ['cgroups are read-only, as in containers', readOnly, /begin it as root/],
  ])('as %s, a session is refused that asks for one, in one sentence that names it and what to do, and doctor says the same', (_, before, remedy) => {
    for (const [name, value] of Object.entries({ memory: '64M', processes: 8, cpus: 1, cpuTime: 1000 })) {
      const { detail = '', ran, limitation } = run(before, { [name]: value })
      expect(ran).toBe('')
      expect(detail).toContain(`${name}: `)
      expect(detail).toMatch(remedy)
      expect(limitation?.remedy).toMatch(remedy)
    }
  })

  test('and the spec wants the best that can be had, the session has none and no cgroup', () => {
    const { ran, steps } = run(unmounted, { memory: '64M', processes: 8, cpus: 1, policy: 'best-effort' })
    expect(ran).toBe('there')
    expect(steps).not.toContain('cgroup')
  })

  test('sessions without limits are as good as ever', () => {
    expect(run(unmounted, {}).ran).toBe('there')
  })
})
