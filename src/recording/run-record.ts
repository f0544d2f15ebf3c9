import type { LeftInOutput, OutputRecord, SessionRecord, SessionStep, SessionUsage } from '../native/record.ts'
import type { Usage } from '../command/result.ts'
import type { PlanLimits } from '../spec/plan.ts'
import type { RecordedFiles, RecordedProgram } from './seen-files.ts'
import type { RecordedTracedProcess } from './traced-processes.ts'

/** The value of `format`, the first member of the JSON. */
export const recordFormat = 'buildjail-run'

/**
 * One run, from opening its session to closing it, as plain JSON: `buildjail run --record` writes it, and a page is made from it.
 * Times are milliseconds since the run began.
 */
export interface RunRecord {
  readonly format: typeof recordFormat
  /** Changes if a member changes its meaning or is removed. New members may come within a version. */
  readonly version: 1
  /** The version of the package. */
  readonly buildjail: string
  readonly system: { readonly platform: string; readonly release: string; readonly arch: string }
  /** ISO 8601. */
  readonly startedAt: string
  readonly openedMs: number
  /** When closing began. `closedMs`: when it was over. */
  readonly closingMs: number
  readonly closedMs: number
  readonly id: string
  readonly plan: RecordedPlan
  /** The session as the kernel reports it. Absent if the kernel could not be asked. */
  readonly kernel?: RecordedKernel
  readonly steps: readonly RecordedStep[]
  readonly commands: readonly RecordedCommand[]
  /** Usage of all processes of the session, before it closed. */
  readonly usage?: SessionUsage
  /** Usage while commands ran. Long runs have fewer samples a second. */
  readonly samples: readonly UsageSample[]
  /** Processes that were seen while commands ran, in the order in which they were first seen. */
  readonly processes?: readonly RecordedProcess[]
  /** How often a process was seen that is not in `processes`, because there were too many. Absent if all are in it. */
  readonly processesLeftOut?: number
  /** What was looked up, if the session had `trace`. */
  readonly files?: RecordedFiles
  /** The programs that were executed, if the session had `trace`. */
  readonly programs?: readonly RecordedProgram[]
  /** The processes that looked something up, in the order in which they first did, if the session had `trace`. */
  readonly tracedProcesses?: readonly RecordedTracedProcess[]
  /** How many more there were. Absent if there were no more. */
  readonly tracedProcessesLeftOut?: number
  /** Connections and refusals, if the session had a network of names. */
  readonly network?: RecordedNetwork
  /** What lies in the outputs. */
  readonly outputs?: readonly RecordedOutput[]
  /** Use of the memory file systems, before the session closed. */
  readonly filled: readonly RecordedFilling[]
  /** Limits that were nearly reached. */
  readonly nearLimits: readonly RecordedNearLimit[]
  readonly leftInOutputs: readonly LeftInOutput[]
  /** Where the copy of a failed command's files is. */
  readonly kept?: string
  /** All errors of the session itself, in order. */
  readonly errors: readonly RecordedError[]
}

/** The parts of the plan that readers ask for. */
export interface RecordedPlan {
  /** The short fields of the spec, as `buildjail plan` prints them. */
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

/** A file that the session has in its root. Its text is not recorded, because it may be a secret. */
export interface RecordedFile {
  readonly path: string
  readonly bytes: number
  readonly entry: string
}

export interface RecordedVariable {
  readonly name: string
  /** Absent if it may be a secret. */
  readonly value?: string
}

/** A `SessionRecord` in JSON: numbers beyond 2^53 are texts. */
export interface RecordedKernel extends Omit<SessionRecord, 'jail' | 'outputs'> {
  readonly jail?: Readonly<Record<string, string | number | boolean | readonly string[]>>
  readonly outputs?: readonly OutputRecord[]
  /** Namespaces of the program that opened the session. Linux only. */
  readonly hostNamespaces?: Readonly<Record<string, number>>
}

export interface RecordedStep extends SessionStep {
  readonly phase: 'open' | 'close'
}

export interface RecordedCommand {
  readonly argv: readonly string[]
  readonly cwd: string
  readonly beganMs: number
  /** Absent if the command was still running when the session closed. */
  readonly end?: RecordedEnd
  readonly stdio: RecordedStdio
  /** Why it failed, if its session is certainly the cause. Absent if nothing is known. */
  readonly hints?: readonly RecordedHint[]
}

/** Both are one sentence; the remedy has options of the command line. */
export interface RecordedHint {
  readonly problem: string
  readonly remedy: string
}

export interface RecordedEnd {
  readonly durationMs: number
  readonly exitCode?: number
  /** By name. */
  readonly signal?: string
  /** The limit that ended it. */
  readonly limit?: string
  readonly timedOut: boolean
  readonly isCanceled: boolean
  /** Absent if it could not be started. */
  readonly usage?: Usage
  /** Why it could not be started. */
  readonly error?: RecordedError
}

/** What a command wrote to stdout and stderr, as far as this program read it. */
export interface RecordedStdio {
  /** Bytes of each stream. */
  readonly stdout: number
  readonly stderr: number
  /** The beginning. */
  readonly head: readonly StdioPiece[]
  /** Bytes between the beginning and the end that were not kept. */
  readonly leftOut: number
  /** The end. Empty if the beginning is everything. */
  readonly tail: readonly StdioPiece[]
}

/** Lines that were written to one stream at about the same time. */
export interface StdioPiece {
  readonly atMs: number
  readonly stream: 'stdout' | 'stderr'
  readonly text: string
}

export interface UsageSample extends SessionUsage {
  readonly atMs: number
}

export interface RecordedProcess {
  /** In the host's numbering. */
  readonly pid: number
  readonly parent: number
  /** Its name in the kernel, when it was last seen. */
  readonly program: string
  readonly beganMs: number
  readonly lastSeenMs: number
  /** Milliseconds. */
  readonly cpuTime: number
  /** Bytes. */
  readonly mostMemory: number
}

export interface RecordedNetwork {
  /** What the session connected to, in the order in which the first connections ended. */
  readonly destinations: readonly RecordedDestination[]
  /** Names that the session asked for and was refused. */
  readonly refused: readonly RecordedRefusal[]
  /** How many events are in neither list, because there were too many names. Absent if every event is in one. */
  readonly leftOut?: number
}

export interface RecordedDestination {
  /** A name, an address, or `host`. */
  readonly name: string
  readonly port: number
  readonly connections: number
  /** Bytes. */
  readonly sent: number
  readonly received: number
  /** How many connections ended with each outcome (ConnectionOutcome). */
  readonly outcomes: Readonly<Record<string, number>>
}

export interface RecordedRefusal {
  /** Empty for all names after the first 1,000. */
  readonly name: string
  readonly count: number
}

export interface RecordedOutput {
  /** In the session. */
  readonly path: string
  /** Files of every kind, and folders. */
  readonly files: number
  /** Size on disk. */
  readonly bytes: number
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
