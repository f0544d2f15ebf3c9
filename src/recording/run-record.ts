import type { CredentialsRecord, IdRangeRecord, LimitRecord, MountRecord } from '../session/record.ts'
import type { SessionUsage } from '../session/usage.ts'
import type { Usage } from '../command/result.ts'
import type { PlanLimits } from '../spec/plan.ts'

/** What the first member of the JSON says. */
export const recordFormat = 'buildjail-run'

/**
 * One run, from the opening of its session to its closing, as plain JSON: what `buildjail run --record` writes, and what a page is made of.
 * Times are milliseconds since the run began.
 */
export interface RunRecord {
  readonly format: typeof recordFormat
  /** Another one where a member has changed its meaning or is gone. New members may come within a version. */
  readonly version: 1
  /** The version of the package. */
  readonly buildjail: string
  readonly system: { readonly platform: string; readonly release: string; readonly arch: string }
  /** ISO 8601. */
  readonly startedAt: string
  readonly openedMs: number
  /** When closing began, and when it was over. */
  readonly closingMs: number
  readonly closedMs: number
  readonly id: string
  readonly plan: RecordedPlan
  /** What the kernel says it built; absent where it could not be asked. */
  readonly kernel?: RecordedKernel
  readonly steps: readonly RecordedStep[]
  readonly commands: readonly RecordedCommand[]
  /** Of all processes of the session, before it was closed. */
  readonly usage?: SessionUsage
  /** The same while commands ran; of long runs fewer a second. */
  readonly samples: readonly UsageSample[]
  /** What was in the file systems that are in memory, before the session was closed. */
  readonly filled: readonly RecordedFilling[]
  /** Limits that were nearly reached. */
  readonly nearLimits: readonly RecordedNearLimit[]
  readonly leftInOutputs: readonly { readonly path: string; readonly what: string }[]
  /** Where the copy is of what a failed command left. */
  readonly kept?: string
  /** Everything that went wrong with the session itself, in order. */
  readonly errors: readonly RecordedError[]
}

/** What was planned: the parts that people ask for. */
export interface RecordedPlan {
  /** The fields of the spec that are a matter of a few words, as `buildjail plan` prints them. */
  readonly facts: readonly (readonly [name: string, text: string])[]
  readonly mounts: readonly RecordedMount[]
  readonly links: readonly { readonly path: string; readonly target: string }[]
  readonly files: readonly RecordedFile[]
  readonly devices: readonly { readonly path: string; readonly kind: string; readonly entry: string }[]
  /** In the order of their names. */
  readonly env: readonly RecordedVariable[]
  readonly limits: PlanLimits
  readonly warnings: readonly { readonly entry: string; readonly problem: string }[]
  readonly leftOut: readonly { readonly entry: string; readonly path: string }[]
}

export interface RecordedMount {
  readonly kind: string
  readonly target: string
  readonly source?: string
  readonly writable: boolean
  readonly size?: number
  readonly files?: number
  readonly entry: string
}

/** A file of the root's own. Its text is not kept: that of a caller's may be a secret. */
export interface RecordedFile {
  readonly path: string
  readonly bytes: number
  readonly entry: string
}

export interface RecordedVariable {
  readonly name: string
  /** Absent where it may be a secret. */
  readonly value?: string
}

/** `SessionRecord` as JSON has it: numbers beyond 2^53 are texts. */
export interface RecordedKernel {
  readonly id: string
  readonly root: string
  readonly jail?: Readonly<Record<string, string | number | boolean | readonly string[]>>
  readonly mounts: readonly MountRecord[]
  readonly namespaces?: Readonly<Record<string, number>>
  /** Of the program that opened the session. Linux only. */
  readonly hostNamespaces?: Readonly<Record<string, number>>
  readonly ids?: { readonly users: readonly IdRangeRecord[]; readonly groups: readonly IdRangeRecord[] }
  readonly user?: { readonly uid: number; readonly gid: number; readonly groups: readonly number[] }
  readonly process?: CredentialsRecord
  readonly limits: readonly LimitRecord[]
}

export interface RecordedStep {
  readonly phase: 'open' | 'close'
  readonly step: string
  readonly path?: string
  /** Nanoseconds. */
  readonly ns: number
}

export interface RecordedCommand {
  readonly argv: readonly string[]
  readonly cwd: string
  readonly beganMs: number
  /** Absent when it was not over before the session was closed. */
  readonly end?: RecordedEnd
  readonly output: RecordedOutput
}

export interface RecordedEnd {
  readonly durationMs: number
  readonly exitCode?: number
  /** By name. */
  readonly signal?: string
  /** That ended it. */
  readonly limit?: string
  readonly timedOut: boolean
  readonly isCanceled: boolean
  /** Absent where it could not be started. */
  readonly usage?: Usage
  /** Why it could not be started. */
  readonly error?: RecordedError
}

/** What a command wrote, as far as this program read it. */
export interface RecordedOutput {
  /** Bytes of each stream. */
  readonly stdout: number
  readonly stderr: number
  /** The beginning. */
  readonly head: readonly OutputPiece[]
  /** Bytes between the beginning and the end that were not kept. */
  readonly leftOut: number
  /** The end; empty where the beginning is all of it. */
  readonly tail: readonly OutputPiece[]
}

/** Lines that were written to one stream at about the same time. */
export interface OutputPiece {
  readonly atMs: number
  readonly stream: 'stdout' | 'stderr'
  readonly text: string
}

export interface UsageSample extends SessionUsage {
  readonly atMs: number
}

export interface RecordedFilling {
  readonly target: string
  /** Bytes. */
  readonly used: number
  readonly size: number
}

export interface RecordedNearLimit {
  readonly atMs: number
  readonly limit: string
  readonly used: number
  readonly most: number
}

export interface RecordedError {
  readonly code?: string
  readonly message: string
}
