import type { Link, Mount, Plan } from './plan-types.ts'
import type { SystemLayout } from './system-layout.ts'

/** One field of a spec and everything that depends on it. `fields.ts` lists all of them. */
export interface Field<Value, IsAddable extends boolean> {
  /**
   * A copy of what was given, which is read once.
   * @throws SpecError naming the entry, when it has another shape.
   */
  readonly read: (given: unknown, entry: string) => Value
  /**
   * Puts the value into a plan. For a spec it is called also when the field was not given: a default stands here. For
   * additions to a base it is called only when the field was given.
   */
  readonly plan: (draft: Draft, value: Value | undefined) => void
  /** Whether one build can add it to a session that was begun without it. */
  readonly isAddable: IsAddable
  /** What `buildjail plan` says of it, besides the list of mounts and the environment. */
  readonly facts: (plan: Plan) => readonly Fact[]
  readonly flag: Flag<Value>
  readonly schema: JsonSchema
}

export type Fact = readonly [label: string, text: string]

/** An option of `buildjail run` and `buildjail plan`. */
export interface Flag<Value> {
  /** Without its hyphens. */
  readonly name: string
  /** Two fields can share an option: each takes the texts that are its own. */
  readonly takes: (text: string) => boolean
  /** How the help calls its value. */
  readonly value: string
  readonly help: string
  readonly isRepeatable: boolean
  /**
   * From every text that the option was given, in order.
   * @throws SpecError naming the option.
   */
  readonly read: (texts: readonly [string, ...string[]], option: string) => Value
}

/** A JSON Schema, draft 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** What is settled by single fields. */
export type Settled = Omit<Plan, 'version' | 'platform' | 'mounts' | 'links' | 'directories'>

/** A plan that is being written: in any order, not checked yet. */
export interface Draft {
  readonly platform: NodeJS.Platform
  readonly layout: SystemLayout
  readonly mounts: Mount[]
  readonly links: Link[]
  readonly settled: { -readonly [Key in keyof Settled]: Settled[Key] }
}

export const takesAll = (): boolean => true
export const noFacts = (): readonly Fact[] => []
