import { planOnto as planOntoChecked, type Plan } from '../../src/spec/plan.ts'
import { checkedAdditions, type Additions } from '../../src/spec/spec.ts'

/** As a pool has it: additions as they were given. */
export function planOnto(base: Plan, additions: Additions): Plan {
  return planOntoChecked(base, checkedAdditions(additions))
}
