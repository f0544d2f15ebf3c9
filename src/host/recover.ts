import { listenOnce } from '../native/jobs.ts'
import { binding } from '../native/load.ts'
import { typed } from '../errors.ts'
import { stateDirectoryIn, type HostOptions } from './host-options.ts'

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

/**
 * Takes away what sessions of dead processes left behind. Sessions that live, of this process or another, are not
 * touched. The first session of a process does the same without a report.
 * @throws UnsupportedError, SpecError naming a wrong option.
 */
export async function recover(options: HostOptions = {}): Promise<RecoveryReport> {
  try {
    listenOnce()
    return await binding().recover(stateDirectoryIn(options))
  } catch (error) {
    throw typed(error)
  }
}
