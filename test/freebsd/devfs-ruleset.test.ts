import { execFileSync } from 'node:child_process'
import { afterEach, expect, test } from 'vitest'

import { openSession } from '../../src/index.ts'
import { describeFreebsd } from './guest.ts'

/** There while anybody on the host has a pseudo terminal (devfs(5)). */
const onDemand = 'pts'
const nodes = ['ctty', 'fd', 'null', 'random', 'stderr', 'stdin', 'stdout', 'urandom', 'zero']

describeFreebsd('the devfs ruleset of sessions, which root of the host can change at any time', () => {
  const used = new Set<number>()
  // The next session makes it again.
  afterEach(() => {
    for (const ruleset of used) devfs(ruleset, 'delset')
    used.clear()
  })

  async function look(): Promise<{ ruleset: number; seen: string[] }> {
    await using session = await openSession({})
    const { stdout } = await session.run(['ls', '-A', '/dev'])
    const ruleset = Number((await session.record()).jail?.['devfs_ruleset'])
    used.add(ruleset)
    return { ruleset, seen: stdout.trimEnd().split('\n').filter((name) => name !== onDemand).sort() }
  }

  test('shows the listed nodes alone after somebody has deleted its rules', async () => {
    const { ruleset } = await look()
    devfs(ruleset, 'delset')
    expect(await look()).toEqual({ ruleset, seen: nodes })
  })

  test('is another one after somebody has added to its rules', async () => {
    const { ruleset } = await look()
    devfs(ruleset, 'add', 'path', 'mem', 'unhide')
    expect(await look()).toEqual({ ruleset: ruleset + 1, seen: nodes })
  })

  test('is another one after somebody has added a rule that shows what is not there yet', async () => {
    const { ruleset } = await look()
    devfs(ruleset, 'add', 'path', 'not-there-yet', 'unhide')
    expect(await look()).toEqual({ ruleset: ruleset + 1, seen: nodes })
  })
})

function devfs(ruleset: number, ...words: string[]): void {
  execFileSync('/sbin/devfs', ['rule', '-s', String(ruleset), ...words])
}
