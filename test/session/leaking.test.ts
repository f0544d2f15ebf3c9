import { once } from 'node:events'
import { expect, test } from 'vitest'

import { mostSpareNetworks, openDescriptors, spareNetworks } from '../../scripts/soak/open-descriptors.mjs'
import { build, openSession, type BuildProcess } from '../../src/index.ts'
import { useFolders } from './folders.ts'
import { expectSameState, hostState } from './host-state.ts'
import { describeSession } from './kernel.ts'

const sessions = 200
const megabyte = 1024 * 1024

describeSession(`${sessions} sessions in a row`, () => {
  const folders = useFolders()

  test('leave descriptors, mounts, jails and resident memory where they were', { timeout: 170_000 }, async () => {
    const spec = { inputs: { src: folders.input }, output: folders.output }
    // What is loaded and grown at first use is there before the first look.
    for (let i = 0; i < 20; i++) await build(spec, ['true'])
    const before = await hostState()
    const rss = process.memoryUsage.rss()
    for (let i = 0; i < sessions; i++) await build(spec, ['true'])
    await expectSameState(before)
    await expect.poll(() => openDescriptors().length, { timeout: 5000 }).toBeLessThanOrEqual(before.descriptors.length)
    // What is made ahead is not counted with them, and is not more than it says (native/linux/spare_networks).
    expect(spareNetworks()).toBeLessThanOrEqual(mostSpareNetworks)
    // The runtime's own heap breathes by a few megabytes; a leak of 64 KiB a session would show as 12.
    expect((process.memoryUsage.rss() - rss) / megabyte).toBeLessThan(12)
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
    await expect.poll(descriptors, { timeout: 5000 }).toBeLessThanOrEqual(before + 2)
  })
})
