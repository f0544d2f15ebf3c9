import type { Network } from './fields/network.ts'
import type { User } from './fields/user.ts'

/** One mount of a session's root. `bind` shows a directory, `file` one file; the others are file systems of their own. */
export interface Mount {
  readonly kind: 'bind' | 'file' | 'tmpfs' | 'dev' | 'proc'
  /** Absolute inside the root. */
  readonly target: string
  /** On the host, absolute, no symbolic links left in it. */
  readonly source?: string
  /**
   * Device and file number of the source when it was planned, decimal; opening refuses another source under the same path.
   * Absent for the parts of the host's toolchain.
   */
  readonly identity?: Identity
  readonly writable: boolean
  /** Bytes, of a tmpfs. */
  readonly size?: number
  /** The field of the spec that asked for it. */
  readonly entry: string
}

/** A file or a directory of the host, whatever its name: device and file number, decimal. */
export interface Identity {
  readonly dev: string
  readonly ino: string
}

/** A symbolic link in the root, as the host has it (`/lib -> usr/lib`). */
export interface Link {
  readonly path: string
  readonly target: string
}

/**
 * A spec made absolute, checked and ordered: immutable plain data, made by `planOf` only. The same plan opens any number of
 * sessions. A copy of a plan, or its JSON read back, is not a plan.
 */
export interface Plan {
  readonly version: 1
  readonly platform: NodeJS.Platform
  readonly name?: string
  /** Sorted, parents first. */
  readonly mounts: readonly Mount[]
  readonly links: readonly Link[]
  /** Directories of the root that exist only to be mounted on or passed through; sorted, parents first. */
  readonly directories: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  readonly network: Network
  readonly user: Required<User>
  readonly hostname: string
  readonly stateDirectory: string
}
