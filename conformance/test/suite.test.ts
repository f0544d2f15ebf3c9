import { beforeAll, expect, test } from 'vitest'

import { describeFreebsd } from '../../test/freebsd/guest.ts'
import { groups } from '../src/cases.ts'
import { runCase } from '../src/run.ts'
import { hostState } from './host-state.ts'

describeFreebsd('the kernel does what is documented', () => {
  let before: object = {}
  beforeAll(() => {
    before = hostState()
  })

  for (const { title, cases } of groups) {
    test.each(cases.map((one) => [one.title, one] as const))(`${title}: %s`, async (_, one) => {
      const { id, expected, seen, verdict } = await runCase(one)
      if (verdict === 'deviates') expect.fail(`${id}: expected ${JSON.stringify(expected)}, seen ${JSON.stringify(seen)}`)
      // A listed deviation has to be there: one that the kernel no longer shows has to leave the list.
      if (one.deviation !== undefined && verdict !== 'skipped') expect({ id, verdict }).toEqual({ id, verdict: 'listed' })
    })
  }

  test('and nothing is left of the suite', { timeout: 30_000 }, async () => {
    await expect.poll(hostState, { timeout: 20_000 }).toEqual(before)
  })
})
