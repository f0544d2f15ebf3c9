import { invalid, readRecord } from './check.ts'
import { fieldNames, fields, type Additions, type Spec } from './fields.ts'
import { orNearest } from './messages.ts'

export type { Additions, Spec } from './fields.ts'
export type { Allowance } from './fields/allow.ts'
export type { PassedVariables, Variables } from './fields/env.ts'
export type { Etc } from './fields/etc.ts'
export type { LimitName, Limits, ProcessLimits, RunLimits } from './fields/limits.ts'
export type { Duration, Size } from './units.ts'
export type { AllowedNetwork, Network } from './fields/network.ts'
export type { Ownership } from './fields/ownership.ts'
export type { InputOptions, InputSource, Source, SourceOptions } from './fields/sources.ts'
export type { Toolchain } from './fields/toolchain.ts'
export type { IdRange, User } from './fields/user.ts'

/**
 * A copy of a spec: each of its own enumerable fields is read once, and inherited ones are not. Checks shapes only; `planOf` checks
 * that paths exist and fit together.
 * @throws SpecError naming the field.
 */
export function checkedSpec(given: Spec): Spec {
  const record = readRecord(given, 'spec')
  for (const key of Object.keys(record)) {
    if (!Object.hasOwn(fields, key)) throw invalid(key, noField(key))
  }
  const spec = Object.create(null) as Record<string, unknown>
  for (const name of fieldNames) {
    // A field that is there but undefined counts as left out.
    if (record[name] !== undefined) spec[name] = fields[name].read(record[name], name)
  }
  return spec
}

/**
 * As `checkedSpec`, for additions to a base.
 * @throws SpecError naming the field.
 */
export function checkedAdditions(given: Additions): Additions {
  const additions: Spec = checkedSpec(given)
  for (const name of Object.keys(additions) as (keyof Spec)[]) {
    if (!fields[name].isAddable) throw invalid(name, 'cannot be added: it is settled by the base')
  }
  return additions
}

function noField(key: string): string {
  if (ofPlans.has(key)) return notOurPlan
  if (ofRuns.has(key)) return 'is an option of run, not of a spec'
  return `is not a field of a spec${orNearest(key, fieldNames)}`
}

/** Options of a run that people look for in a spec (src/command/run-options.ts). */
const ofRuns: ReadonlySet<string> = new Set(['timeout', 'signal', 'killSignal', 'stdin', 'stdout', 'stderr', 'stdio', 'maxBuffer', 'encoding', 'lines', 'reject', 'verbose'])

/** Fields of a plan that a spec lacks. */
const ofPlans: ReadonlySet<string> = new Set(['version', 'platform', 'mounts', 'links', 'files', 'directories', 'leftOut'])
const notOurPlan =
  'is a field of a plan, not of a spec; a plan cannot be copied or parsed back from JSON, so give the spec, or the very plan that planOf returned'
