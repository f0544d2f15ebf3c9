/** A step of opening or closing, and how long it took. */
export interface TraceEntry {
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

/** The credentials of a command, in the host's numbering. */
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
}

/** A session as the kernel describes it. */
export interface SessionRecord {
  readonly id: string
  readonly root: string
  /** jail_get(2), every parameter the kernel knows. FreeBSD only. */
  readonly jail?: Readonly<Record<string, string | number | boolean | bigint | readonly string[]>>
  readonly mounts: readonly MountRecord[]
  /** Kind (`mnt`, `pid`, ...) to number, as namespaces(7) has them. Linux only. */
  readonly namespaces?: Readonly<Record<string, number>>
  /** Of the command launched last. */
  readonly process?: CredentialsRecord
}
