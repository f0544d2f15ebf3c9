import { describe, expect, test } from 'vitest'

import { floorPlanText, refusalsOf } from '../../bench/floor/plan.mjs'
import { planOf } from '../../src/spec/plan.ts'
import { HostTree } from './host-tree.ts'

const tree = new HostTree()
const source = tree.directory('source')
const output = tree.directory('output')

describe("the floor program's plan", () => {
  const plan = planOf({ toolchain: 'none', inputs: { src: source }, output, tmpSize: 4096 }, { platform: 'linux' })
  const lines = floorPlanText(plan, { command: '/usr/bin/true', init: '/some/init' }).trimEnd().split('\n')

  test('has every directory and mount of the plan, directories first, binds last', () => {
    const targets = (kinds: string[]): (string | undefined)[] =>
      lines.filter((line) => kinds.includes(line.split('\t')[0] ?? '')).map((line) => line.split('\t')[1])
    expect(targets(['directory'])).toEqual(plan.directories)
    expect(targets(['tmpfs', 'dev', 'proc', 'bind']).toSorted()).toEqual(plan.mounts.map(({ target }) => target).toSorted())
    expect(lines.slice(-2)).toEqual([
      `bind\t/inputs/src\t${plan.mounts.find(({ target }) => target === '/inputs/src')?.source}\tdirectory\tro`,
      `bind\t/output\t${plan.mounts.find(({ target }) => target === '/output')?.source}\tdirectory\trw`,
    ])
  })

  test('is of the same user, in the same place', () => {
    expect(lines).toContain('user\t35001\t35001')
    expect(lines).toContain('chdir\t/tmp')
    expect(lines).toContain('tmpfs\t/tmp\t4096')
  })
})

test('a jail is refused all that the kernel lists, but being root before giving it up', () => {
  const parameters = [
    { name: 'allow.mount', type: 'bool' },
    { name: 'allow.mount.devfs', type: 'bool' },
    { name: 'allow.suser', type: 'bool' },
    { name: 'persist', type: 'bool' },
    { name: 'ip4', type: 'jailsys' },
  ]
  expect(refusalsOf(parameters)).toEqual(['allow.nomount', 'allow.mount.nodevfs'])
})
