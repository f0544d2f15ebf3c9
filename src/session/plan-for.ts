import { SpecError } from '../errors.ts'
import { isPlan, planOf, type Plan } from '../spec/plan.ts'
import type { Spec } from '../spec/spec.ts'

/**
 * The plan of a spec, or a plan as it is.
 * @throws SpecError naming the entry that was refused
 */
export function planFor(spec: Spec | Plan): Plan {
  const plan = isPlan(spec) ? spec : planOf(spec)
  if (plan.platform === process.platform) return plan
  throw new SpecError('ERR_BUILDJAIL_INVALID_SPEC', 'platform', `the plan was made for ${plan.platform}, this is ${process.platform}`)
}
