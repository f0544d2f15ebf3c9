import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'

import { build } from '../../src/index.ts'
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
    // And what is made ahead for the next session is there as well (native/linux/spare_network), which takes it a moment.
    await sleep(200)
    const before = await hostState()
    const rss = process.memoryUsage.rss()
    for (let i = 0; i < sessions; i++) await build(spec, ['true'])
    await expectSameState(before)
    await expect.poll(async () => (await hostState()).descriptors, { timeout: 5000 }).toBeLessThanOrEqual(before.descriptors)
    // The runtime's own heap breathes by a few megabytes; a leak of 64 KiB a session would show as 12.
    expect((process.memoryUsage.rss() - rss) / megabyte).toBeLessThan(12)
  })
})
