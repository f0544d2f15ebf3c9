import { once } from 'node:events'
import { expect, test } from 'vitest'

import { blanks, mostBlanks, openDescriptors } from '../../scripts/soak/open-descriptors.mjs'
import { build, openSession, type BuildProcess } from '../../src/index.ts'
import { useFolders } from './folders.ts'
import { expectSameState, hostState } from './host-state.ts'
import { describeSession } from './kernel.ts'

const sessions = 200
const rounds = 4
const megabyte = 1024 * 1024

describeSession(`${sessions} sessions in a row`, () => {
  const folders = useFolders()

  // promise: 18
  test('leave descriptors, mounts, jails and resident memory where they were', { timeout: 300_000 }, async () => {
    const spec = { inputs: { src: folders.input }, output: folders.output }
    // What is loaded and grown at first use is there before the first look.
    for (let i = 0; i < 20; i++) await build(spec, ['true'])
    const before = await hostState()
    const grown: number[] = []
    // The runtime takes its memory in the first rounds and keeps it; a leak grows in every round. 32 KiB a session show as 6.
    while (grown.length < rounds && Math.min(...grown) >= 4) {
      const rss = process.memoryUsage.rss()
      for (let i = 0; i < sessions; i++) await build(spec, ['true'])
      grown.push((process.memoryUsage.rss() - rss) / megabyte)
    }
    await expectSameState(before)
    await expect.poll(() => openDescriptors().length, { timeout: 5000 }).toBeLessThanOrEqual(before.descriptors.length)
    // What is made ahead is not counted with them, and is not more than it says (native/linux/blanks).
    expect(blanks()).toBeLessThanOrEqual(mostBlanks)
    expect(Math.min(...grown), `megabytes by which each round grew: ${grown.join(' ')}`).toBeLessThan(4)
  })
})

describeSession('pipes of a spawned command', () => {
  const descriptors = (): number => openDescriptors().length
  const uses: readonly [string, (child: BuildProcess) => Promise<unknown>][] = [
    ['are read', async (child) => Promise.all([once(child.stdout?.resume() ?? child, 'close'), once(child.stderr?.resume() ?? child, 'close'), once(child, 'exit')])],
    ['are never looked at', (child) => once(child, 'close')],
    ['are destroyed', async (child) => {
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy()
      await once(child, 'exit')
    }],
    ['belong to a command that cannot be started', (child) => once(child, 'error').catch(() => {})],
  ]
  test.each(uses)('leave no descriptor when they %s', async (how, use) => {
    const command = how.includes('cannot be started') ? ['no-such-command'] : ['sh', '-c', 'echo out; echo err >&2']
    await using session = await openSession({})
    // What is loaded and grown at first use is there before the first look.
    await use(session.spawn(command))
    const before = descriptors()
    for (let i = 0; i < 20; i++) await use(session.spawn(command))
    // Four more are the pipes of the next command, which may be made ahead by then (native/launch/stdio_ends).
    await expect.poll(descriptors, { timeout: 5000 }).toBeLessThanOrEqual(before + 4)
  })
})
