import { beforeAll, expect, test } from 'vitest'

import { groups } from '../../../src/conformance/cases.ts'
import { runCase } from '../../../src/conformance/run.ts'
import { describeFreebsd } from '../guest.ts'
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
      // A reason that holds no longer is none.
      if (one.deviation !== undefined && verdict !== 'skipped') expect({ id, verdict }).toEqual({ id, verdict: 'listed' })
    })
  }

  test('and nothing is left of it', { timeout: 30_000 }, async () => {
    await expect.poll(hostState, { timeout: 20_000 }).toEqual(before)
  })
})
