import type { Link, Mount, Plan, PlannedFile } from './plan-types.ts'
import type { SystemLayout } from './system-layout.ts'
import { bare } from './plain-data.ts'

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
  /** The value with its relative paths of the host made absolute, and what depends on the folder of the spec file settled. Missing where it has none. */
  readonly rebase?: (value: Value, resolve: (path: string) => string) => Value
}

export type Fact = readonly [label: string, text: string]

/** An option of `buildjail run` and `buildjail plan`. */
export interface Flag<Value> {
  /** Without its hyphens. */
  readonly name: string
  /** The name of its value in the help; undefined for an option without a value. */
  readonly value: string | undefined
  readonly help: string
  readonly isRepeatable: boolean
  /** What a shell completes its value with. */
  readonly offers: Offers
  /** Options that say a part of it: each gives one text of the flag. */
  readonly shortcuts?: readonly Shortcut[]
  /**
   * The value, from all texts that the option was given, in order; one empty text of an option without a value.
   * @throws SpecError naming the option.
   */
  readonly read: (texts: readonly [string, ...string[]], option: string) => Value
  /** The value of a spec file and that of the command line together. Default: what the command line says. */
  readonly join?: (ofFile: Value, given: Value) => Value
}

export interface Shortcut {
  readonly name: string
  readonly value: string
  readonly help: string
  readonly textOf: (value: string) => string
  readonly isRepeatable?: boolean
  /** Default: nothing. */
  readonly offers?: Offers
}

/** What a shell completes the value of an option with. */
export interface Offers {
  /** One that ends in `=` or `:` is the beginning of a value. */
  readonly words?: readonly string[]
  /** Of the host, also behind a name and an equals sign. */
  readonly paths?: 'any' | 'folders'
  /** Those of the environment. */
  readonly variables?: true
}

/** A JSON Schema, draft 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** The members of a plan that single fields settle. */
export type Settled = Omit<Plan, 'version' | 'platform' | 'mounts' | 'links' | 'files' | 'directories' | 'warnings'>

/** A place in an input that the build is not to see. */
export interface Excluded {
  /** Absolute inside the root. */
  readonly target: string
  readonly isFile: boolean
  readonly entry: string
  /** The target of that input. */
  readonly input: string
  /** The folder that is to be made, so that something can be mounted there, and the one that it is missing in. */
  readonly missing?: { readonly source: string; readonly within: string }
}

/** A plan that is being written. It is not in order and not checked yet. */
export interface Draft {
  readonly platform: NodeJS.Platform
  readonly layout: SystemLayout
  readonly mounts: Mount[]
  readonly links: Link[]
  readonly files: PlannedFile[]
  readonly excluded: Excluded[]
  readonly settled: { -readonly [Key in keyof Settled]: Settled[Key] }
}

export const noFacts = (): readonly Fact[] => []

/** What has names: each name of the command line is added, or in place of the file's. */
export function joinedByName<Value extends object>(ofFile: Value, given: Value): Value {
  return bare<Value>({ ...ofFile, ...given })
}

/** The file's come first. */
export function joinedLists<Item>(ofFile: readonly Item[], given: readonly Item[]): readonly Item[] {
  return [...ofFile, ...given]
}

/** As `joinedLists`, each once. */
export function joinedSets<Item>(ofFile: readonly Item[], given: readonly Item[]): readonly Item[] {
  return [...new Set([...ofFile, ...given])]
}
