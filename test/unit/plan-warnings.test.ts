import { chmodSync, chownSync, statSync } from 'node:fs'

import { describe, expect, it, vi } from 'vitest'

import { planOf, type Plan } from '../../src/spec/plan.ts'
import { planText } from '../../src/spec/plan-text.ts'
import type { Spec } from '../../src/spec/spec.ts'
import { HostTree } from './host-tree.ts'
import { planOnto } from './plan-onto.ts'

const tree = new HostTree()
const stateDirectory = tree.directory('state')
const isRoot = process.getuid?.() === 0
/** Somebody to whom a source of these tests can belong. */
const uid = isRoot ? 4001 : (process.getuid?.() ?? 4001)

function owned(name: string, by = uid): string {
  const source = tree.directory(name)
  if (isRoot) chownSync(source, by, by)
  return source
}
const planned = (spec: Spec, platform: 'freebsd' | 'linux' = 'freebsd'): Plan => planOf({ toolchain: 'none', stateDirectory, ...spec }, { platform })

describe('a plan warns of what the system does not let a session keep from its build or from others', () => {
  it('where the build is root, in words that say what it can do', () => {
    expect(planned({ user: 'root' }).warnings).toEqual([{ entry: 'user', problem: expect.stringMatching(/revoke \/dev\/null.*whole host.*change ACLs/) as string }])
    expect(planned({ user: 'root' }, 'linux').warnings).toEqual([])
    expect(planned({}).warnings).toEqual([])
  })

  it('where an input belongs to the user who was named for it, but not of an output', () => {
    const user = { uid, gid: uid }
    const spec: Spec = { user, inputs: { own: owned('own') }, output: owned('out') }
    const { warnings } = planned(spec)
    expect(warnings).toEqual([{ entry: 'inputs.own', problem: expect.stringContaining(`${tree.at('own')} belongs to the user of the build`) as string }])
    expect(planned(spec, 'linux').warnings).toEqual([])
    expect(planned({ ...spec, user: { uid: uid + 1, gid: uid } }).warnings).toEqual([])
  })

  it('also where the input is added later', () => {
    const base = planned({ user: { uid, gid: uid } })
    expect(base.warnings).toEqual([])
    expect(planOnto(base, { inputs: { own: owned('own') } }).warnings).toHaveLength(1)
  })

  // Who is root has no such output, and nobody else can make one.
  it('on Linux where an output is of another user than the caller, who is not root', () => {
    const spec: Spec = { output: '/usr/share/misc', inputs: { own: owned('own') } }
    const { warnings } = planned(spec, 'linux')
    const expected = { entry: 'output', problem: expect.stringContaining('/usr/share/misc belongs to another user, and stays open') as string }
    expect(warnings).toEqual(isRoot ? [] : [expected])
    expect(planned({ output: tree.directory('out-of-mine') }, 'linux').warnings).toEqual([])
  })

  it('on Linux where an output is set-gid of a group that the caller, who is not root, is not in', () => {
    const shared = owned('shared')
    chmodSync(shared, 0o2770)
    const { gid } = statSync(shared)
    const warningsOfOneIn = (groups: number[]): Plan['warnings'] => {
      const as = [vi.spyOn(process, 'geteuid').mockReturnValue(uid), vi.spyOn(process, 'getegid').mockReturnValue(gid + 1), vi.spyOn(process, 'getgroups').mockReturnValue(groups)]
      try {
        return planned({ output: shared }, 'linux').warnings
      } finally {
        for (const one of as) one.mockRestore()
      }
    }
    expect(warningsOfOneIn([])).toEqual([{ entry: 'output', problem: expect.stringContaining(`${shared} is set-gid of a group that you are not in, and stays open`) as string }])
    expect(warningsOfOneIn([gid])).toEqual([])
  })

  it('for people, at the end of the plan', () => {
    expect(planText(planned({ user: 'root' }))).toMatch(/\n\nwarnings\n {2}user {2}FreeBSD lets a build that is root do two things to the host: /)
    expect(planText(planned({}))).not.toContain('warnings')
  })
})
