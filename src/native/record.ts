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

/** The credentials of a command, in the numbering of the inside. `pid` is the host's. */
export interface CredentialsRecord {
  readonly pid: number
  readonly uid: number
  readonly realUid: number
  readonly savedUid: number
  readonly gid: number
  readonly realGid: number
  readonly savedGid: number
  readonly groups: readonly number[]
  /** FreeBSD: of its jail. */
  readonly jid?: number
  /** Linux: how many filters judge its system calls (seccomp(2)). The session's is one; a container may add its own. */
  readonly systemCallFilters?: number
}

/** Ids that lie side by side: `count` from `inside` on are those of the host from `outside` on. */
export interface IdRangeRecord {
  readonly inside: number
  readonly outside: number
  readonly count: number
}

/** A limit that holds for a session, or for each of its commands, and what holds it. */
export interface LimitRecord {
  /** `memory`, ... */
  readonly limit: string
  /** In the limit's unit, as it was asked of what holds it. */
  readonly value: number
  /** `memory.max` and other files of its cgroup, `rctl`, `cpuset`, `RLIMIT_NOFILE`, ...; `buildjail` where this program does. */
  readonly by: string
}

/** An output, by its path in the session, and when the files that the build makes in it belong to the owner of the folder. */
export interface OutputRecord {
  readonly path: string
  /**
   * `at-once`: from their first moment. The mount shows the build the owner's files as its own, and they stay the owner's (Linux).
   * `at-close`: a walk gives the owner's files to the build, and a walk at the close gives them back, with what the build made.
   * `as-built`: each file keeps the owner that it was made with. So it is with another `ownership` than `folder`, and for an ordinary caller
   * on Linux, whose builds make files as the caller.
   */
  readonly owned: 'at-once' | 'at-close' | 'as-built'
}

/** A session as the kernel describes it. */
export interface SessionRecord {
  readonly id: string
  readonly root: string
  /** jail_get(2), every parameter the kernel knows. FreeBSD only. */
  readonly jail?: Readonly<Record<string, string | number | boolean | bigint | readonly string[]>>
  readonly mounts: readonly MountRecord[]
  readonly outputs: readonly OutputRecord[]
  /** Kind (`mnt`, `pid`, ...) to number, as namespaces(7) has them. Linux only. */
  readonly namespaces?: Readonly<Record<string, number>>
  /**
   * Which ids of the host those inside are (user_namespaces(7)). All of them are the same as on the host where the host lets not
   * even root have a user namespace. Linux only.
   */
  readonly ids?: { readonly users: readonly IdRangeRecord[]; readonly groups: readonly IdRangeRecord[] }
  /** The build user: leased, where the spec names none. FreeBSD only. */
  readonly user?: { readonly uid: number; readonly gid: number; readonly groups: readonly number[] }
  /** Of the command launched last. */
  readonly process?: CredentialsRecord
  /** What holds of the limits of the spec; those of /tmp are its mount's. */
  readonly limits: readonly LimitRecord[]
}

/** How much of the inputs that are copies (`overlay`) is copied. */
export interface Copied {
  /** That are whole. Folders and links are not counted. */
  readonly files: number
  readonly bytes: number
}

/**
 * What all processes of a session have taken together, those that have ended as well. A member is missing where the system does not account
 * it, or not for this session: one that has no limit on Linux has no cgroup, and then it is what /proc tells of its processes.
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
  /** Now, threads as well where the system counts those. */
  readonly processes?: number
  /** At most at a time so far. */
  readonly peakProcesses?: number
  /** From devices; what the system has in memory is not read from there. */
  readonly bytesRead?: number
  /** To devices. */
  readonly bytesWritten?: number
  /** What accounts: `cgroup v2`, `cgroup v1`, `/proc` or `rctl`. Missing where nothing does. */
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
  /** User and system time, with that of the children that it has waited for, in milliseconds. */
  readonly cpuTime: number
  /** Resident, in bytes. What several have in common is counted for each. */
  readonly memory: number
}

/** What was done to the source of an overlay. */
export interface Applied {
  /** Of the overlay, in the session. */
  readonly target: string
  /** Files, links and folders that were put in place, a new folder once with all that is in it. */
  readonly written: number
  /** Files and folders that were removed, each folder once. */
  readonly removed: number
  /**
   * Some of what was not applied: what has changed in the source since the first command, sockets, fifos, unreadable files, and what was changed
   * more than 200 folders deep in the source. A folder stands for everything in it.
   */
  readonly left: readonly string[]
}

/** A session whose process had died, and what was taken away of it. */
export interface RecoveredSession {
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
  /** Output folders that are no longer where they were. There is nothing to give back, so they are reported once. */
  readonly lost: readonly string[]
}

/** Something in the state directory that was not touched: it is damaged, not ours, or could not be taken away. */
export interface LeftAlone {
  readonly path: string
  readonly reason: string
}

export interface RecoveryReport {
  readonly recovered: readonly RecoveredSession[]
  readonly leftAlone: readonly LeftAlone[]
}

/** Something that stayed on a file of an output when its session was closed. At most a hundred are listed of one output. One more then counts the others. */
export interface LeftInOutput {
  /** On the host. */
  readonly path: string
  /** In words. */
  readonly what: string
}

/** Something that is missing on this host, and the one thing to do about it. */
export interface Obstacle {
  /** Short and stable: `platform`, `binding`, `privilege`, `nullfs`, ... */
  readonly check: string
  readonly problem: string
  readonly remedy: string
}
