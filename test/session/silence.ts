import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'

/** The writers of these tests write every 50 ms or without a pause, so 300 ms show that one has ended. */
export const beatsMissed = 300

/** Nothing is written any more: what `look` tells stays the same for some missed beats. */
export async function expectSilence(look: () => unknown): Promise<void> {
  const before = await look()
  await sleep(beatsMissed)
  expect(await look()).toEqual(before)
}
