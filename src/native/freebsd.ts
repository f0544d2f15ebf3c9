// The raw calls of FreeBSD as the addon has them (native/binding/*_calls_freebsd.cc). Each call takes as its last argument whether it is done on the
// spot: then it returns its answer or throws a NativeFailure; else it is done on a worker thread, for a promise of the same.

/** The answer of a call: at once or promised. */
export type Answer<T> = T | Promise<T>

/** A parameter as the kernel lists it under security.jail.param. */
export interface NativeJailParameter {
  readonly name: string
  readonly type: 'bool' | 'int' | 'ulong' | 'string' | 'jailsys' | 'in_addr' | 'in6_addr'
  /** Of a text: bytes, its NUL among them. */
  readonly longest?: number
}

export type NativeIovec = readonly [name: string, value: Uint8Array | null]

/** The parameters after the call: the bytes of each, and the size from the kernel, which is the needed size if no buffer was given. */
export interface NativeJailAnswer {
  readonly jid: number
  readonly values: readonly Buffer[]
  readonly sizes: readonly number[]
}

/** One mount of the system's table. */
export interface MountEntry {
  /** `nullfs`, `tmpfs`, ... */
  readonly type: string
  readonly from: string
  readonly on: string
  /** As `unmount` takes it: `FSID:1:2`. */
  readonly fsid: string
  /** Those of its MNT_ flags that mount(8) has a word for: `ro`, `nosuid`, ... */
  readonly flags: readonly string[]
}

/** statfs(2). Numbers that may be great are bigints. */
export interface FileSystem extends MountEntry {
  /** The user who mounted it. */
  readonly owner: number
  /** Of a name in it, bytes. */
  readonly longestName: number
  /** All its MNT_ flags. */
  readonly flagBits: bigint
  /** Bytes of one of its `blocks`. */
  readonly blockSize: bigint
  /** Bytes that are best read and written at once. */
  readonly transferSize: bigint
  readonly blocks: bigint
  readonly freeBlocks: bigint
  /** To users other than root; negative where a full file system keeps some for root. */
  readonly availableBlocks: bigint
  readonly files: bigint
  readonly freeFiles: bigint
}

/** A rule lacks a condition or action that is missing here. `kinds`: D_ flags of sys/conf.h. */
export interface NativeDevfsRule {
  readonly number?: number
  readonly path?: string
  readonly kinds?: number
  readonly isShown?: boolean
  readonly uid?: number
  readonly gid?: number
  readonly mode?: number
  readonly include?: number
}

/** The same, as a caller passes it. */
export type NativeNewDevfsRule = { readonly [Name in keyof NativeDevfsRule]: NativeDevfsRule[Name] | undefined }

export interface NativeKernel {
  readonly osreldate: number
  readonly jailDescriptors: boolean
  readonly jailMetadata: boolean
  readonly vnet: boolean
  readonly rctl: boolean
  /** Absent while nullfs is not loaded. */
  readonly nullfsFiles?: boolean
}

export interface NativeFreebsd {
  jailSet(parameters: readonly NativeIovec[], flags: number, isNow: boolean): Answer<NativeJailAnswer>
  jailGet(parameters: readonly NativeIovec[], flags: number, isNow: boolean): Answer<NativeJailAnswer>
  /** The first of the parameters is the int `desc`. The descriptor is the caller's. */
  jailOpen(call: 'jail_set' | 'jail_get', parameters: readonly NativeIovec[], flags: number, isNow: boolean): Answer<{ readonly jid: number; readonly descriptor: number }>
  jailRemove(jid: number, isNow: boolean): Answer<void>
  /** Only if the kernel has descriptors: SIGSYS otherwise. */
  jailRemoveBy(descriptor: number, isNow: boolean): Answer<void>
  jailParameters(isNow: boolean): Answer<NativeJailParameter[]>
  processorsOfJail(jid: number, isNow: boolean): Answer<number[]>
  setProcessorsOfJail(jid: number, processors: readonly number[], isNow: boolean): Answer<void>
  nmount(options: readonly NativeIovec[], flags: number, isNow: boolean): Answer<void>
  unmount(target: string, flags: number, isNow: boolean): Answer<void>
  mountTable(isNow: boolean): Answer<MountEntry[]>
  statfs(path: string, isNow: boolean): Answer<FileSystem>
  devfsAdd(ruleset: number, rule: NativeNewDevfsRule, isNow: boolean): Answer<number>
  devfsList(ruleset: number, isNow: boolean): Answer<NativeDevfsRule[]>
  devfsRemove(ruleset: number, number: number, isNow: boolean): Answer<void>
  devfsApply(ruleset: number, path: string, isLasting: boolean, isNow: boolean): Answer<void>
  rctlAdd(rule: string, isNow: boolean): Answer<void>
  rctlRemove(filter: string, isNow: boolean): Answer<void>
  rctlRules(filter: string, isNow: boolean): Answer<string>
  rctlUsage(subject: string, isNow: boolean): Answer<Record<string, bigint>>
  interfaceCreate(name: string, isNow: boolean): Answer<string>
  interfaceDestroy(name: string, isNow: boolean): Answer<void>
  interfaceLend(name: string, jid: number, isNow: boolean): Answer<void>
  interfaceReclaim(name: string, jid: number, isNow: boolean): Answer<void>
  kernel(isNow: boolean): Answer<NativeKernel>
  load(name: string, isNow: boolean): Answer<void>
  isLoaded(name: string): boolean
}

/** What has happened to a jail since the last event (kqueue(2), EVFILT_JAIL). */
export interface NativeJailEvents {
  /** NOTE_JAIL_ flags of sys/event.h. */
  readonly notes: number
  /** The process that was attached, or the jail that was made; 0 if there were several. */
  readonly number: number
}

export interface NativeProcessEnd {
  readonly exitCode?: number
  readonly signal?: string
  readonly userUs: number
  readonly systemUs: number
  readonly maxRssBytes: number
}

export interface NativeSpawn {
  readonly jid: number
  readonly argv: readonly string[]
  readonly environment: readonly string[]
  readonly cwd: string
  readonly loginClass: string
  readonly uid: number
  readonly gid: number
  readonly groups: readonly number[]
  readonly umask: number
  readonly fib: number | undefined
  /** By its name, because a JavaScript runtime may give it another number than the system does; empty: none. */
  readonly parentDeathSignal: string
  /** Positions in ForkStep of native/freebsd/jail_child.h. */
  readonly leftOut: readonly number[]
  /** By resource: the soft and the hard limit (setrlimit(2)). */
  readonly limits: Readonly<Record<string, readonly (number | bigint)[]>>
  /** A number is a descriptor. */
  readonly stdio: readonly ('ignore' | 'pipe' | number)[]
}

/** Events on the event loop of an environment that listens (NativeBinding.listen). */
export interface NativeFreebsdEvents {
  /** Until NOTE_JAIL_REMOVE, or `over` of the number that it returns. */
  watchJail(number: number, isDescriptor: boolean, tell: (events: NativeJailEvents) => void): number
  /** Of a child of this process, once; it is waited for. */
  waitForEnd(pid: number, tell: (end: NativeProcessEnd) => void): number
  /** kill(2) of a child whose end was not reported yet. False if it could not be signalled. */
  signal(pid: number, signal: string | number): boolean
  /** To be called for both, after the last wanted event: until then the event loop stays alive. */
  over(number: number): void
  /** The pipes are kept as those of NativeBinding.start. -1: none. */
  spawnInJail(request: NativeSpawn, isNow: boolean): Answer<{ readonly pid: number; readonly pipes: readonly number[] }>
}
