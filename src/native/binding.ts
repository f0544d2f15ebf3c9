import type { Usage } from '../events/session-events.ts'
import type { NativeFreebsd, NativeFreebsdEvents } from './freebsd.ts'
import type { NativeJailValue } from './jail-values.ts'
import type { Applied, Copied, LeftInOutput, Obstacle, RecoveryReport, SessionProcess, SessionRecord, SessionUsage, SessionStep } from './record.ts'

/**
 * The functions of the addon (native/binding/addon.cc), the same on every system. Functions that can block run on a worker
 * thread and return a promise, which rejects with a NativeFailure (errors.ts).
 */
export interface NativeBinding {
  preflight(): NativePreflight
  /** Once an environment, before the first job and before the first call that returns a promise. */
  listen(listener: NativeListener): void
  /** A pipe of `start` is closed when the environment ends, unless one of these was called for it before. */
  releaseDescriptor(descriptor: number): void
  closeDescriptor(descriptor: number): void
  /** Closes everything that is open, and waits for that. Nothing can be opened afterwards. */
  shutDown(): void
  /** Reads a plan packed by wire-plan.ts. Throws a NativeFailure if it is none. */
  readPlan(packed: Uint8Array): NativePlan
  /** Looks at paths of the host. Questions and answers are those of native/plan/look.h. */
  look(questions: string): Promise<string>
  /**
   * The files below a folder whose names fit a pattern (`*`, `?`), and the unreadable folders in it, each with a slash behind it: sorted, by
   * their paths in the folder. What lies in folders of the names in `passedBy` is left out. It returns when it has seen all of it.
   */
  namedFiles(folder: string, patterns: readonly string[], passedBy: readonly string[]): readonly string[]
  /**
   * Makes a folder, `missing` below `existing`, and returns its device and file number, decimal. Fails where it cannot, and where a link is
   * in the way.
   */
  makeFolder(existing: string, missing: string): Promise<readonly [dev: string, ino: string]>
  /** The size of folders of the host, which a build may be changing: bytes on disk, and files of every kind. */
  sizeOfOutputs(folders: readonly string[]): Promise<{ readonly bytes: number; readonly files: number }>
  /** `stateDirectory` is resolved. */
  recover(stateDirectory: string): Promise<RecoveryReport>
  listSessions(stateDirectory: string): Promise<NativeListedSession[]>
  /**
   * Begins a job. `of`: a plan, of which a new envelope is opened, or an envelope that is open. `packed`: by wire-job.ts; it is
   * read before the call returns. Returns our ends of the command's pipes as descriptors of stdin, stdout and stderr, -1 where
   * that one is no pipe; undefined where none is. The pipes that are read here are spent from the output budget here (`spend`). Throws a NativeFailure when the job is malformed or no descriptor is left for its
   * pipes; then nothing was begun and `ended` is not called.
   */
  start(of: NativePlan | NativeEnvelope, packed: Uint8Array): NativePipes | undefined
  /**
   * Signals a job's command: `group` its process group, `tree` everything it started, daemons too. Before the command runs the signal is kept for it. False if
   * the command is over.
   */
  kill(job: number, signal: string | number, whom: 'group' | 'tree'): boolean
  /** The progress of copying inputs, while the job opens a session. */
  copied(job: number): Copied
  /** Of the job's session: nothing is counted before that is open, and after the job. */
  usage(job: number): Promise<SessionUsage>
  /** Of the job's command in the host's numbering, some milliseconds after the launch; undefined before, and after its end. */
  pidOf(job: number): number | undefined
  /** Of a job's command; in characters. False if it is over, or has no terminal of its own. */
  resizeTerminal(job: number, columns: number, rows: number): boolean
  /** This program's terminal may have another size now, or this program was stopped and goes on. */
  lookAtTerminal(): void
  /** This program's terminal gets its mode from before all commands, and keeps it. To be called before a signal that ends the program. */
  giveBackTerminal(): void
  /** The raw calls of FreeBSD; absent elsewhere. */
  readonly freebsd?: NativeFreebsd
  readonly freebsdEvents?: NativeFreebsdEvents
}

/** `spend` exists if the command's output is limited. */
export type NativePipes = readonly [stdin: number, stdout: number, stderr: number, spend?: NativeSpend]

/**
 * Spends bytes of a command's output from its one budget, also after the command's end. Returns how many of them are within it. If they exceed it, native code
 * ends the command.
 */
export type NativeSpend = (bytes: number) => number

export interface NativeListener {
  /** Only where the job asks for it: the command executes. */
  started(job: number, pid: number): void
  /** Called once for every job, last. */
  ended(job: number, end: NativeJobEnd): void
  /** Of a session with a network of names. All events of a session come before its closing is reported. */
  network(session: string, events: readonly NativeNetworkEvent[]): void
}

/** As ConnectionEvent and RefusedEvent have it (src/events/session-events.ts). */
export interface NativeNetworkEvent {
  readonly kind: 'connection' | 'refused'
  readonly name: string
  readonly port: number
  readonly address?: string
  readonly sent?: number
  readonly received?: number
  readonly durationMs?: number
  readonly outcome: string
  readonly count?: number
}

/** The end of a job. A missing member has no value. */
export interface NativeJobEnd {
  /** A NativeFailure: it could not be opened, completed or launched. Then the only other members are `envelope` and `closed`. */
  readonly failure?: unknown
  /** Missing when a signal ended the command, and when there was no command. */
  readonly exitCode?: number
  /** By name: SIGKILL, ... */
  readonly signal?: string
  /** Of the command, if one ran. */
  readonly usage?: Usage
  /** The command wrote more than the bound of a captured stream, and was killed for it. */
  readonly isMaxBuffer?: boolean
  /** Of a captured stream: all bytes that the command itself had written by its end. Missing if it wrote none. */
  readonly stdout?: Buffer
  readonly stderr?: Buffer
  /** The end of what it wrote to stderr, where that is a file of the host or a terminal: some more than tailSize (hint-evidence.ts). */
  readonly lastOfStderr?: Buffer
  /** Milliseconds between the command's end and this call, of a job that closes. */
  readonly sinceExitMs?: number
  /**
   * Of a job that opened an envelope and does not close it, even if its command could not be launched; or of a job that closes and left
   * something.
   */
  readonly envelope?: NativeEnvelope
  /** The steps of opening, of a job that opened an envelope and tells its steps. */
  readonly opened?: readonly SessionStep[]
  /** The report of a job that closes, if it left something or its steps were asked for. */
  readonly closed?: NativeCloseReport
  /** A NativeFailure: the file that stdin came from could not be read. The command was killed, unless it had ended before. */
  readonly inputFailure?: unknown
  /** A NativeFailure: a file that output went to could not be written. The command was killed, unless it had ended before. */
  readonly outputFailure?: unknown
  /** The name of the limit that ended the command, if that is known. */
  readonly limit?: string
}

/** A plan as native code has read it. JavaScript cannot look into it. */
export type NativePlan = object

export interface NativePreflight {
  /** The reasons why this process can open no session; empty when it can. */
  readonly obstacles: readonly Obstacle[]
  /** Features that sessions lack on this host. */
  readonly limitations: readonly Obstacle[]
}

export interface NativeCloseReport {
  readonly steps: readonly SessionStep[]
  readonly failures: readonly unknown[]
  readonly leftInOutputs: readonly LeftInOutput[]
}

/** A folder of the host, found by its path and known by its numbers, and the name of the new folder in it for a session. */
export interface NativeKeepPlace {
  readonly folder: string
  readonly dev: bigint
  readonly ino: bigint
  /** The name of the wanted folder in it, which is made; empty if it is that folder itself. */
  readonly missing: string
  readonly id: string
}

export interface NativeKeepReport {
  /** The files that were not copied, by their paths in the copy. */
  readonly left: readonly string[]
  /** A NativeFailure (errors.ts): why the copy is not whole. */
  readonly failure: unknown
}

export type NativeRecord = Omit<SessionRecord, 'jail' | 'outputs'> & {
  readonly jail?: readonly NativeJailValue[]
  /** By their paths in the session. */
  readonly mappedOutputs: readonly string[]
}

export interface NativeEnvelope {
  /** Made anew for each call. */
  readonly steps: readonly SessionStep[]
  /** SIGKILL to every process of the envelope, which stays open. */
  killAll(): Promise<void>
  /** Copies folders that are mounts of the inside into one of the host. To be called after `killAll`, because no process may change them meanwhile. */
  keep(targets: readonly string[], place: NativeKeepPlace): Promise<NativeKeepReport>
  /** The changes in overlays: for each its upper layer, by a path that is this program's until `close`. */
  layers(): readonly { readonly target: string; readonly path: string }[]
  /** Whether a folder of an overlay shows nothing of the source. @param folder its path from the overlay on, of bytes */
  isOpaque(target: string, folder: Uint8Array): Promise<boolean>
  /** Applies the changes in overlays, named by their targets, to their sources. To be called after `killAll`. */
  apply(targets: readonly string[]): Promise<readonly Applied[]>
  /** After a report of failures: tries the rest again. */
  close(): Promise<NativeCloseReport>
  record(): Promise<NativeRecord>
  usage(): Promise<SessionUsage>
  /** The paths looked up so far, for `readTrace`; empty without a trace. Also after `close`. */
  seenPaths(): Promise<Buffer>
  processes(): Promise<SessionProcess[]>
}

export interface NativeListedSession {
  readonly id: string
  readonly name?: string
  readonly pid: number
  /** Since 1970. */
  readonly startedMs: number
  readonly isLive: boolean
  readonly root?: string
  readonly jid?: number
}
