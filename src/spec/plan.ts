import { arranged } from './arrange.ts'
import { bare, ownCopy } from './plain-data.ts'
import { emptySource } from './excluded.ts'
import type { Draft, Field } from './field.ts'
import { fieldNames, fields, type Spec, type Values } from './fields.ts'
import { refuseAround, refuseOverlaysOnto } from './nesting.ts'
import type { Identity, Mount, Plan } from './plan-types.ts'
import { copyInstead } from './source-mount.ts'
import { checkedSpec } from './spec.ts'
import { layoutOf, type SystemLayout } from './system-layout.ts'
import { warningsOf } from './warnings.ts'

export { identityOf } from './source.ts'
export type { Device, Identity, KeepIn, LeftOut, Link, Mount, Plan, PlanLimits, PlannedFile, PlannedUser, Warning } from './plan-types.ts'

export interface PlanOptions {
  /** The system whose layout to plan for. Default: the running one. */
  readonly platform?: NodeJS.Platform
}

/**
 * Makes the plan of a spec. It looks only at the declared sources of the host (realpath(3), stat(2)), and changes nothing.
 * @throws SpecError naming the entry that was refused.
 */
export function planOf(spec: Spec, options: PlanOptions = {}): Plan {
  const own = checkedSpec(spec)
  const { platform = process.platform } = ownCopy(options)
  return planOfChecked(own, platform)
}

/** As `planOf`, of a spec that was checked. */
export function planOfChecked(own: Spec, platform: NodeJS.Platform): Plan {
  const draft = draftFor(platform, layoutOf(platform))
  for (const name of fieldNames) put(name, own, draft)
  return ours(arranged(draft))
}

/**
 * The plan that `planOf` makes of the base's spec and these together. Only the sources that are added are looked at.
 * @param own checked
 * @throws SpecError naming the entry that was refused.
 */
export function planOnto(base: Plan, own: Spec): Plan {
  const { version: _version, platform, mounts, links, files, directories: _directories, warnings: _warnings, ...settled } = base
  const draft: Draft = { platform, layout: layoutOf(platform), mounts: [...mounts], links: [...links], files: [...files], excluded: [], settled: ownCopy(settled) }
  for (const name of fieldNames) {
    if (own[name] !== undefined) put(name, own, draft)
  }
  const plan = arranged(draft)
  refuseAround(mounts, plan.mounts)
  refuseOverlaysOnto(mounts, plan.mounts)
  return ours(plan)
}

/** The same plan, once its missing outputs were made. `make` makes one and says what it is. */
export function withOutputsMade(plan: Plan, make: (output: Mount & { readonly source: string; readonly missingIn: string }) => Identity): Plan {
  if (plan.mounts.every(({ missingIn }) => missingIn === undefined)) return plan
  const mounts = plan.mounts.map((mount) => {
    const { missingIn, ...output } = mount
    if (missingIn === undefined || output.source === undefined) return mount
    const identity = make({ ...output, source: output.source, missingIn })
    // Of what is excluded only the place was missing.
    if (!output.writable) return bare<Mount>({ ...output, source: emptySource(plan.stateDirectory, false) })
    return bare<Mount>({ ...output, identity })
  })
  return ours(bare<Plan>({ ...plan, mounts: Object.freeze(mounts) }))
}

/**
 * The same plan with a copy in the place of an overlay that this host cannot have, and with a warning that says so. Undefined where it has no
 * overlay there.
 */
export function withCopyAt(plan: Plan, target: string | undefined, reason: string): Plan | undefined {
  const overlay = plan.mounts.find((mount) => mount.kind === 'overlay' && mount.target === target)
  if (overlay === undefined) return undefined
  const mounts = plan.mounts.with(plan.mounts.indexOf(overlay), copyInstead(overlay, reason))
  return ours(bare<Plan>({ ...plan, mounts: Object.freeze(mounts), warnings: Object.freeze(warningsOf(plan, mounts)) }))
}

const plans = new WeakSet<object>()

/** Whether `planOf` or `planOnto` made it. No check has seen anything else that looks like a plan. */
export function isPlan(value: unknown): value is Plan {
  return typeof value === 'object' && value !== null && plans.has(value)
}

function ours(plan: Plan): Plan {
  plans.add(plan)
  return plan
}

function put<Name extends keyof Values>(name: Name, spec: Partial<Values>, draft: Draft): void {
  const field: Pick<Field<Values[Name], boolean>, 'plan'> = fields[name]
  field.plan(draft, spec[name])
}

/** The system's own mounts and the clean environment. The fields put in everything else, with every member that a plan must have. */
function draftFor(platform: NodeJS.Platform, layout: SystemLayout): Draft {
  const settled = Object.create(null) as Draft['settled']
  settled.env = { PATH: layout.searchPath, HOME: '/tmp', TMPDIR: '/tmp', LC_ALL: 'C' }
  settled.path = []
  settled.leftOut = []
  const views = layout.own.filter(({ kind }) => kind !== 'tmpfs')
  const mounts = views.map(({ kind, target }) => bare({ kind, target, writable: false, entry: kind }))
  return { platform, layout, mounts, links: [], files: [], excluded: [], settled }
}
