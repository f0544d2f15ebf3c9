import { binding } from './binding.ts'
import { typed } from './errors.ts'
import { defaultStateDirectory } from './spec.ts'
import { resolveStateDirectory } from './state-directory.ts'

export interface RecoverOptions {
  /** The one of the sessions' specs. Default: theirs. */
  readonly stateDirectory?: string
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
  /** Output folders that are not any more where they were; there is nothing to give back, so they are told of once. */
  readonly lost: readonly string[]
}

/** Something in the state directory that was not touched: it is damaged, none of ours, or could not be taken away. */
export interface LeftAlone {
  readonly path: string
  readonly reason: string
}

export interface RecoveryReport {
  readonly recovered: readonly RecoveredSession[]
  readonly leftAlone: readonly LeftAlone[]
}

/**
 * Takes away what sessions of dead processes left behind. Sessions that live, of this process or another, are not
 * touched. It also runs by itself before the first session of a process; this is for knowing what it found.
 * @throws BuildjailError `ERR_BUILDJAIL_UNSUPPORTED_PLATFORM` or `ERR_BUILDJAIL_BINDING_NOT_FOUND`, SpecError for a
 * state directory that cannot be.
 */
export async function recover(options: RecoverOptions = {}): Promise<RecoveryReport> {
  try {
    return await binding().recover(resolveStateDirectory(options.stateDirectory ?? defaultStateDirectory))
  } catch (error) {
    throw typed(error)
  }
}
