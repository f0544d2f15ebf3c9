/** A step of opening or closing, and how long it took. */
export interface SessionStep {
  /** `nmount`, `jail_set`, ... */
  readonly step: string
  readonly path?: string
  /** Nanoseconds. */
  readonly ns: number
}

/** A mount of a session, as the kernel lists it. */
export interface MountRecord {
  /** `nullfs`, `tmpfs`, ... */
  readonly type: string
  readonly from: string
  readonly on: string
  readonly fsid: string
  readonly flags: readonly string[]
}

/** The credentials of a command, with ids as inside the session. `pid` is the host's. */
export interface CredentialsRecord {
  readonly pid: number
  readonly uid: number
  readonly realUid: number
  readonly savedUid: number
  readonly gid: number
  readonly realGid: number
  readonly savedGid: number
  readonly groups: readonly number[]
  /** FreeBSD: the jid of its jail. */
  readonly jid?: number
  /** Linux: how many filters judge its system calls (seccomp(2)). The session has one; a container may add its own. */
  readonly systemCallFilters?: number
}

/** A range of ids: the `count` ids from `inside` on are those of the host from `outside` on. */
export interface IdRangeRecord {
  readonly inside: number
  readonly outside: number
  readonly count: number
}

/** A limit that holds for a session, or for each of its commands, and what holds it. */
export interface LimitRecord {
  /** `memory`, ... */
  readonly limit: string
  /** In the limit's unit, as it was given to what holds it. */
  readonly value: number
  /** What holds it: `memory.max` and other files of its cgroup, `rctl`, `cpuset`, `RLIMIT_NOFILE`, ...; `buildjail` if this program does. */
  readonly by: string
}

/** An output, and when the files that the build makes in it belong to the owner of the folder. */
export interface OutputRecord {
  readonly path: string
  /**
   * `at-once`: from their first moment. The mount shows the build the owner's files as its own, and they stay the owner's (Linux). `at-close`: a walk gives the
   * owner's files to the build, and a walk at the close gives them back, with what the build made. `as-built`: each file keeps the owner that it was made with.
   * This is so with another `ownership` than `folder`, and for an ordinary caller on Linux, whose builds make files as the caller.
   */
  readonly owned: 'at-once' | 'at-close' | 'as-built'
}

/** A session as the kernel describes it. */
export interface SessionRecord {
  readonly id: string
  readonly root: string
  /** Every parameter that the kernel knows (jail_get(2)). FreeBSD only. */
  readonly jail?: Readonly<Record<string, string | number | boolean | bigint | readonly string[]>>
  readonly mounts: readonly MountRecord[]
  readonly outputs: readonly OutputRecord[]
  /** Kind (`mnt`, `pid`, ...) to number, as namespaces(7) has them. Linux only. */
  readonly namespaces?: Readonly<Record<string, number>>
  /**
   * Which ids of the host stand for those inside (user_namespaces(7)). They are the same as on the host if the host lets not even root have a user namespace.
   * Linux only.
   */
  readonly ids?: { readonly users: readonly IdRangeRecord[]; readonly groups: readonly IdRangeRecord[] }
  /** The build user. If the spec names none, the session leased it. FreeBSD only. */
  readonly user?: { readonly uid: number; readonly gid: number; readonly groups: readonly number[] }
  /** The credentials of the command launched last. */
  readonly process?: CredentialsRecord
  /** The limits of the spec that hold. Those of /tmp belong to its mount. */
  readonly limits: readonly LimitRecord[]
}

/** How much of the inputs that a session copies (`overlay`) is copied. */
export interface Copied {
  /** Files that are complete. Folders and links are not counted. */
  readonly files: number
  readonly bytes: number
}

/**
 * What all processes of a session have used together, including those that have ended. A member is missing if the system does not account it, or not for this
 * session. On Linux a session without limits has no cgroup; then the numbers are those that /proc has of its processes.
 */
export interface SessionUsage {
  /** User and system time, in milliseconds. */
  readonly cpuTime?: number
  /** Bytes, now. */
  readonly memory?: number
  /** Bytes, at most so far. */
  readonly peakMemory?: number
  /** Bytes, now. */
  readonly swap?: number
  /** Processes now, and threads where the system counts those. */
  readonly processes?: number
  /** The most processes at a time so far. */
  readonly peakProcesses?: number
  /** Read from devices. What the system has in memory is not read from there. */
  readonly bytesRead?: number
  /** Written to devices. */
  readonly bytesWritten?: number
  /** What does the accounting: `cgroup v2`, `cgroup v1`, `/proc` or `rctl`. Missing if nothing does. */
  readonly by?: string
}

/** A process of a session. */
export interface SessionProcess {
  /** In the host's numbering. */
  readonly pid: number
  readonly parent: number
  /** Its name in the kernel, cut to 15 bytes on Linux and 19 on FreeBSD, as ps(1) shows it. A build may have chosen it. */
  readonly program: string
  /** Milliseconds since it began. */
  readonly ageMs: number
  /** User and system time in milliseconds, including the children that it has waited for. */
  readonly cpuTime: number
  /** Resident, in bytes. Memory that processes share counts for each of them. */
  readonly memory: number
}

/** What `applyChanges` did to the source of an overlay. */
export interface Applied {
  /** The overlay's path in the session. */
  readonly target: string
  /** Files, links and folders that were put in place. A new folder counts once, with all that is in it. */
  readonly written: number
  /** Files and folders that were removed. A folder counts once. */
  readonly removed: number
  /**
   * Some paths that were not applied: what has changed in the source since the first command, sockets, fifos, unreadable files, and changes more than 200
   * folders deep in the source. A folder stands for everything in it.
   */
  readonly left: readonly string[]
}

/** A session whose process had died, and what `recover` removed of it. */
export interface RecoveredSession {
  readonly id: string
  /** The name in its spec. */
  readonly name?: string
  /** The process that had opened it. */
  readonly pid: number
  /** FreeBSD: the name of its jail, if there still was one. */
  readonly jail?: string
  /** FreeBSD: the places of its mounts, youngest first. */
  readonly unmounted: readonly string[]
  /** Output folders that have their owner and mode back. */
  readonly handedBack: readonly string[]
  /** Output folders that are no longer where they were. There is nothing to give back, so they are reported once. */
  readonly lost: readonly string[]
}

/** Something in the state directory that was not touched: it is damaged, not ours, or could not be removed. */
export interface LeftAlone {
  readonly path: string
  readonly reason: string
}

export interface RecoveryReport {
  readonly recovered: readonly RecoveredSession[]
  readonly leftAlone: readonly LeftAlone[]
}

/** Something that stayed on a file of an output when its session was closed. Each output has at most a hundred in the list; one more then counts the others. */
export interface LeftInOutput {
  /** On the host. */
  readonly path: string
  /** What stayed, in words. */
  readonly what: string
}

/** Something that is missing on this host, and the one thing to do about it. */
export interface Obstacle {
  /** Short and stable: `platform`, `binding`, `privilege`, `nullfs`, ... */
  readonly check: string
  readonly problem: string
  readonly remedy: string
}
