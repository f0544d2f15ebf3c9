import type { Allowance } from './fields/allow.ts'
import type { LimitName } from './fields/limits.ts'
import type { Network } from './fields/network.ts'
import type { Ownership } from './fields/ownership.ts'
import type { IdRange } from './fields/user.ts'

/**
 * One mount of a session's root. `bind` shows a directory, `file` one file. `store` shows a directory in which the build can write, but remove only what it
 * made. `overlay` shows a directory in which the build writes without changing the source. `copy` is a copy of the directory in memory for the same purpose: a
 * session may have a `copy` where its plan has an `overlay`, because not every host can have that. `listed` is a directory of the root itself, in which each
 * entry of the source is a mount or a link of its own. The others are file systems of their own.
 */
export interface Mount {
  readonly kind: 'bind' | 'file' | 'store' | 'overlay' | 'copy' | 'listed' | 'tmpfs' | 'dev' | 'proc'
  /** Absolute inside the root. */
  readonly target: string
  /** On the host, absolute, no symbolic links left in it. */
  readonly source?: string
  /**
   * Device and file number of the source when it was planned, decimal; opening refuses another source under the same path.
   * Absent for the parts of the host's toolchain.
   */
  readonly identity?: Identity
  /** The directory of the host in which the source of an output is missing: opening makes it. Such a mount has no identity. */
  readonly missingIn?: string
  /** When an entry of the source of a `listed` mount was last made or removed: nanoseconds since 1970, decimal. */
  readonly modified?: string
  readonly writable: boolean
  /** Size of a tmpfs in bytes. */
  readonly size?: number
  /** Most files and directories of a tmpfs. */
  readonly files?: number
  /** The field of the spec that asked for it. */
  readonly entry: string
}

/** A file or a directory of the host, by device and file number, decimal. */
export interface Identity {
  readonly dev: string
  readonly ino: string
}

/** The folder of `keep`, or, if it is missing, the folder in which it will be made. If another folder is there later, nothing is kept. */
export interface KeepIn {
  /** On the host, absolute, no symbolic links left in it. */
  readonly path: string
  /** When it was planned. */
  readonly identity: Identity
}

/** A symbolic link in the root, as the host has it (`/lib -> usr/lib`). */
export interface Link {
  readonly path: string
  readonly target: string
}

/** A file of the root's own, which nobody inside can write to. */
export interface PlannedFile {
  readonly path: string
  /** In /etc/passwd, an empty uid stands for that of the build user, which is not known before opening. */
  readonly text: string
  /** The field of the spec that asked for it. */
  readonly entry: string
}

/** Something that a session of the plan cannot keep from its build on that system, or does another way. */
export interface Warning {
  /** The field of the spec that it is about. */
  readonly entry: string
  readonly problem: string
}

/** A device of the host that a session shows. */
export interface Device {
  /** On the host and inside. */
  readonly path: string
  readonly kind: 'character' | 'block'
  /** Its number (stat(2), st_rdev) when it was planned, decimal; opening refuses another device under the same path. */
  readonly number: string
  /** The field of the spec that asked for it. */
  readonly entry: string
}

/** An optional source that the host does not have. */
export interface LeftOut {
  /** The field of the spec that asked for it. */
  readonly entry: string
  readonly path: string
}

/** The limits of a spec in bytes, milliseconds and numbers; those of /tmp are in its mount. */
export interface PlanLimits extends Readonly<Partial<Record<Exclude<LimitName, 'tmpSize' | 'tmpFiles'>, number>>> {
  readonly policy: 'strict' | 'best-effort'
}

export interface PlannedUser {
  /** Absent if opening leases it from `leased`. */
  readonly uid?: number
  readonly gid: number
  readonly groups: readonly number[]
  readonly leased?: IdRange
}

/**
 * A spec made absolute, checked and ordered. It is immutable plain data, and only `planOf` makes one. The same plan opens any number of sessions. A copy of a
 * plan, or its JSON read back, is not a plan.
 */
export interface Plan {
  readonly version: 1
  readonly platform: NodeJS.Platform
  readonly name?: string
  /** Sorted, parents first. */
  readonly mounts: readonly Mount[]
  readonly links: readonly Link[]
  readonly files: readonly PlannedFile[]
  /** Directories of the root that exist only to be mounted on or passed through; sorted, parents first. */
  readonly directories: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Directories that were put before PATH; `env.PATH` includes them. */
  readonly path: readonly string[]
  readonly cwd: string
  readonly keep?: string
  /** Present if there is a `keep`. */
  readonly keepIn?: KeepIn
  readonly network: Network
  readonly user: PlannedUser
  /** Each once, in the order of the documentation. */
  readonly allow: readonly Allowance[]
  readonly limits: PlanLimits
  readonly ownership: Ownership
  readonly hostname: string
  readonly stateDirectory: string
  /** Milliseconds. */
  readonly wait: number
  /** Whether each path that is looked up is recorded. */
  readonly trace: boolean
  readonly devices: readonly Device[]
  readonly warnings: readonly Warning[]
  readonly leftOut: readonly LeftOut[]
}
