/**
 * What the addon offers (native/binding/addon.cc), the same on every system. Functions that can block run on a worker
 * thread and answer with a promise; what they reject with is a NativeFailure (errors.ts).
 */
export interface NativeBinding {
  readonly system: 'freebsd' | 'linux' | 'unsupported'
  preflight(): NativePreflight
  /**
   * For everything that was to be launched one of the two is called, once: after it was waited for, or when it could not be
   * launched. One pair an environment. `makeExit` makes of a command's end what is told of it by a promise.
   */
  setExitListener(onExit: OnExit, onFailure: (failure: NativeNotLaunched) => void, makeExit: MakeExit): void
  /** A pipe that was handed over with a launch is kept, to be closed when the environment goes, until one of these is called. */
  releaseDescriptor(descriptor: number): void
  closeDescriptor(descriptor: number): void
  /** Closes what is open, and waits for it; nothing can be opened afterwards. */
  shutDown(): void
  /** Of a plan as packed by wire.ts. Throws a NativeFailure when it is none. */
  readPlan(packed: Uint8Array): NativePlan
  openEnvelope(plan: NativePlan, id: string): Promise<NativeEnvelope>
  /** `stateDirectory` is resolved. */
  recover(stateDirectory: string): Promise<NativeRecoveryReport>
  listSessions(stateDirectory: string): Promise<NativeListedSession[]>
  /**
   * The same, and the launch of a command in it, with no crossing between the two. Rejects when it could not be opened;
   * that the command could not be launched is told by its `spawned`. Throws as `launch` does.
   */
  openAndLaunch(plan: NativePlan, id: string, request: Uint8Array): Promise<NativeOpened>
  /** The same, and the closing at its end, told of once, when all of it is over. Its exit is not told to the listener. */
  buildOnce(plan: NativePlan, id: string, request: Uint8Array): Promise<NativeBuilt>
  /** The raw calls of FreeBSD; absent elsewhere. */
  readonly freebsd?: NativeFreebsd
}

/** A plan as native code has read it; nothing of it can be seen from here. */
export type NativePlan = object

export interface NativePreflight {
  /** What keeps a session from being opened by this process; empty when nothing does. */
  readonly obstacles: readonly NativeObstacle[]
  /** What sessions can do without. */
  readonly limitations: readonly NativeObstacle[]
}

export interface NativeObstacle {
  /** `privilege`, `nullfs`, ... */
  readonly check: string
  readonly problem: string
  readonly remedy: string
}

export interface NativeTraceEntry {
  readonly step: string
  readonly path?: string
  readonly ns: number
}

/** In the order of `NativeExit`. */
export type MakeExit = (
  run: number,
  exitCode: number | undefined,
  signal: string | undefined,
  isMaxBuffer: boolean,
  userUs: number,
  systemUs: number,
  maxRssBytes: number,
  stdout: Buffer | undefined,
  stderr: Buffer | undefined,
) => NativeExit

export type OnExit = (...end: Parameters<MakeExit>) => void

export interface NativeExit {
  readonly run: number
  /** Undefined when a signal ended it. */
  readonly exitCode?: number | undefined
  /** By name: SIGKILL, ... */
  readonly signal?: string | undefined
  /** More than the bound was written; the run was killed for it. */
  readonly isMaxBuffer: boolean
  readonly userUs: number
  readonly systemUs: number
  readonly maxRssBytes: number
  /** Of a stream that was captured: all that the command itself had written by its end; undefined where that is nothing. */
  readonly stdout?: Buffer | undefined
  readonly stderr?: Buffer | undefined
}

/** Of a command that was to be launched, and could not be. */
export interface NativeNotLaunched {
  readonly run: number
  readonly failure: unknown
}

export interface NativeLaunched {
  /** Our ends of the pipes, by descriptor number: stdin, stdout, stderr; -1 where that one is no pipe. */
  readonly stdio: readonly [number, number, number]
  /** The pid, once the command is running: after execve(2). */
  readonly spawned: Promise<number>
}

export interface NativeOpened {
  readonly envelope: NativeEnvelope
  readonly launched: NativeLaunched
}

export interface NativeBuilt {
  /** Absent when the command could not be launched: then there is a failure. */
  readonly exit?: NativeExit
  /** Milliseconds. With the exit. */
  readonly sinceExitMs?: number
  readonly failure?: unknown
  /** Both only when something is left, which can be tried again. */
  readonly envelope?: NativeEnvelope
  readonly closed?: NativeCloseReport
}

export interface NativeCloseReport {
  readonly trace: readonly NativeTraceEntry[]
  readonly failures: readonly unknown[]
}

export interface NativeMount {
  readonly type: string
  readonly from: string
  readonly on: string
  readonly fsid: string
  readonly flags: readonly string[]
}

export interface NativeCredentials {
  readonly pid: number
  readonly uid: number
  readonly realUid: number
  readonly savedUid: number
  readonly gid: number
  readonly realGid: number
  readonly savedGid: number
  readonly groups: readonly number[]
  readonly jid?: number
}

export interface NativeRecord {
  readonly id: string
  readonly root: string
  /** jail_get(2), every parameter the kernel knows. FreeBSD only. */
  readonly jail?: Readonly<Record<string, string | number | boolean | bigint | readonly string[]>>
  readonly mounts: readonly NativeMount[]
  /** Kind (`mnt`, `pid`, ...) to number, as namespaces(7) has them. Linux only. */
  readonly namespaces?: Readonly<Record<string, number>>
  /** Of the command launched last. */
  readonly process?: NativeCredentials
}

export interface NativeEnvelope {
  /** Made anew each time it is asked for. */
  readonly trace: readonly NativeTraceEntry[]
  /** Of one that was opened with a base: `rest` as packed by wire.ts. Nothing can be launched before. */
  complete(rest: Uint8Array): Promise<void>
  /** `request` as packed by wire.ts. Throws a NativeFailure when there is no descriptor left for the pipes. */
  launch(request: Uint8Array): NativeLaunched
  /** The same of a command whose end is all that is told of. It has no pipes for JavaScript. */
  run(request: Uint8Array): void
  /** `complete` and `run`, with no crossing between the two; what keeps it from being completed is the run's failure. */
  completeAndRun(rest: Uint8Array, request: Uint8Array): void
  /** Signals the process group of a run. False when that run is over. */
  kill(run: number, signal: string): boolean
  /** SIGKILL to every process of the envelope, which stays open. */
  killAll(): Promise<void>
  /** Again after a report of failures: tries what is left. */
  close(): Promise<NativeCloseReport>
  record(): Promise<NativeRecord>
}

/** A session whose process had died, and what was taken away of it. */
export interface NativeRecoveredSession {
  readonly id: string
  /** The spec's. */
  readonly name?: string
  /** The process that had opened it. */
  readonly pid: number
  /** FreeBSD: the name of its jail, when there still was one. */
  readonly jail?: string
  /** FreeBSD: where, youngest first. */
  readonly unmounted: readonly string[]
  /** Output folders that have their owner and mode back. */
  readonly handedBack: readonly string[]
  /** Output folders that are not any more where they were; there is nothing to give back, so they are told of once. */
  readonly lost: readonly string[]
}

/** Something in the state directory that was not touched: it is damaged, none of ours, or could not be taken away. */
export interface NativeLeftAlone {
  readonly path: string
  readonly reason: string
}

export interface NativeRecoveryReport {
  readonly recovered: readonly NativeRecoveredSession[]
  readonly leftAlone: readonly NativeLeftAlone[]
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

/** A parameter as the kernel lists it under security.jail.param. */
export interface NativeJailParameter {
  readonly name: string
  readonly type: 'bool' | 'int' | 'ulong' | 'string' | 'jailsys' | 'in_addr' | 'in6_addr'
}

export type NativeIovec = readonly [name: string, value: Uint8Array | null]

/** What the kernel left in the parameters: the bytes of each, and the size it gave, which of an empty one is the size it needs. */
export interface NativeJailAnswer {
  readonly jid: number
  readonly values: readonly Buffer[]
  readonly sizes: readonly number[]
}

export interface NativeFreebsd {
  jailSet(parameters: readonly NativeIovec[], flags: number): Promise<NativeJailAnswer>
  jailGet(parameters: readonly NativeIovec[], flags: number): Promise<NativeJailAnswer>
  jailRemove(jid: number): Promise<void>
  jailParameters(): NativeJailParameter[]
  nmount(options: readonly NativeIovec[], flags: number): Promise<void>
  unmount(target: string, flags: number): Promise<void>
  mountTable(): Promise<NativeMount[]>
}
