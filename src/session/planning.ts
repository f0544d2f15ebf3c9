import { SpecError } from '../errors.ts'
import { jobError, listenOnce } from '../native/jobs.ts'
import { binding } from '../native/load.ts'
import { noteAhead } from '../spec/ahead.ts'
import { Answers } from '../spec/answers.ts'
import { answeredBy } from '../spec/look.ts'
import { isPlan, planOfChecked, planOnto, type Plan } from '../spec/plan.ts'
import { checkedAdditions, checkedSpec, type Additions, type Spec } from '../spec/spec.ts'
import { layoutOf } from '../spec/system-layout.ts'
import { demandOf, type Demand } from './session-queue.ts'

/** A plan, or one that is being made while the caller goes on. */
export interface Planning {
  /** Known at once. */
  readonly demand: Demand
  /** Rejects with the SpecError of a plan that is refused. Nobody has to wait for it. */
  readonly plan: Plan | Promise<Plan>
}

/**
 * The plan of a spec, or a plan as it is. The spec is read before the call returns.
 * @throws SpecError naming the field of another shape
 */
export function planningOf(spec: Spec | Plan): Planning {
  if (!isPlan(spec)) return planningOfSpec(spec)
  if (spec.platform === process.platform) return { demand: demandOf(spec), plan: spec }
  throw new SpecError('ERR_BUILDJAIL_INVALID_SPEC', 'platform', `the plan was made for ${spec.platform}, this is ${process.platform}`)
}

/** @throws SpecError naming the field of another shape, UnsupportedError */
export function planningOfSpec(spec: Spec): Planning {
  const own = checkedSpec(spec)
  const layout = layoutOf(process.platform)
  const demand = demandOf({ limits: own.limits as Plan['limits'] | undefined, wait: own.wait as number | undefined })
  return { demand, plan: lookedUp((answers) => noteAhead(own, layout, answers), () => planOfChecked(own, process.platform)) }
}

/** @throws SpecError naming the field of another shape */
export function planningOnto(base: Plan, additions: Additions): Planning {
  const own = checkedAdditions(additions)
  return { demand: demandOf(base), plan: lookedUp((answers) => noteAhead({ toolchain: 'none', ...own }, undefined, answers), () => planOnto(base, own)) }
}

/** The plan that `plan` makes when the host is asked on a thread of native code: a file server that is slow does not hold up the program. */
function lookedUp(ahead: (answers: Answers) => void, plan: () => Plan): Promise<Plan> {
  const coming = planned(ahead, plan)
  coming.catch(() => {})
  return coming
}

async function planned(ahead: (answers: Answers) => void, plan: () => Plan): Promise<Plan> {
  const answers = new Answers(ask)
  ahead(answers)
  for (;;) {
    await answers.fetch()
    try {
      const made = answeredBy(answers, plan)
      if (answers.isComplete) return made
    } catch (error) {
      // An error that comes from a guess does not count (Answers).
      if (answers.isComplete) throw error
    }
  }
}

async function ask(questions: string): Promise<string> {
  try {
    listenOnce()
    return await binding().look(questions)
  } catch (error) {
    throw jobError(error)
  }
}
