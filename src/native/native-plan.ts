import { binding } from './load.ts'
import type { NativePlan } from './binding.ts'
import type { Plan } from '../spec/plan.ts'
import { packBase, packPlan } from './wire-plan.ts'

const plans = new WeakMap<Plan, NativePlan>()
const bases = new WeakMap<Plan, NativePlan>()

/** Packed and read once: opening many sessions of one plan costs nothing more here. */
export function nativePlanOf(plan: Plan): NativePlan {
  return once(plans, plan, packPlan)
}

/** The same of a plan that others go on from. */
export function nativeBaseOf(plan: Plan): NativePlan {
  return once(bases, plan, packBase)
}

function once(known: WeakMap<Plan, NativePlan>, plan: Plan, pack: (plan: Plan) => Uint8Array): NativePlan {
  const found = known.get(plan) ?? binding().readPlan(pack(plan))
  known.set(plan, found)
  return found
}
