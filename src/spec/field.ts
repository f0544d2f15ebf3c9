import type { Link, Mount, Plan } from './plan-types.ts'
import type { SystemLayout } from './system-layout.ts'

/** One field of a spec, with everything that depends on it. `fields.ts` lists all fields. */
export interface Field<Value, IsAddable extends boolean> {
  /**
   * Copies the given value, reading it once.
   * @throws SpecError naming the entry, when the value has another shape.
   */
  readonly read: (given: unknown, entry: string) => Value
  /**
   * Puts the value into a plan. A spec that lacks the field calls it with undefined, so that it can put in a default; additions to a base
   * that lack the field do not call it.
   */
  readonly plan: (draft: Draft, value: Value | undefined) => void
  /** Whether one build can add it to a session that was begun without it. */
  readonly isAddable: IsAddable
  /** The lines of `buildjail plan` about it, besides the list of mounts and the environment. */
  readonly facts: (plan: Plan) => readonly Fact[]
  readonly flag: Flag<Value>
  readonly schema: JsonSchema
}

export type Fact = readonly [label: string, text: string]

/** An option of `buildjail run` and `buildjail plan`. */
export interface Flag<Value> {
  /** Without its hyphens. */
  readonly name: string
  /** Whether a text is for this field: two fields can share an option. */
  readonly takes: (text: string) => boolean
  /** The name of its value in the help. */
  readonly value: string
  readonly help: string
  readonly isRepeatable: boolean
  /**
   * The value, from all texts that the option was given, in order.
   * @throws SpecError naming the option.
   */
  readonly read: (texts: readonly [string, ...string[]], option: string) => Value
}

/** A JSON Schema, draft 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** The members of a plan that single fields settle. */
export type Settled = Omit<Plan, 'version' | 'platform' | 'mounts' | 'links' | 'directories'>

/** A plan that is being written. It is not in order and not checked yet. */
export interface Draft {
  readonly platform: NodeJS.Platform
  readonly layout: SystemLayout
  readonly mounts: Mount[]
  readonly links: Link[]
  readonly settled: { -readonly [Key in keyof Settled]: Settled[Key] }
}

export const takesAll = (): boolean => true
export const noFacts = (): readonly Fact[] => []
