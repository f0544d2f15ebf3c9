import { binding } from '../native/load.ts'
import { typed } from '../errors.ts'
import type { NativeLeftAlone, NativeRecoveredSession, NativeRecoveryReport } from '../native/binding.ts'
import { defaultStateDirectory } from '../spec/spec.ts'
import { resolveStateDirectory } from '../spec/state-directory.ts'

export interface RecoverOptions {
  /** The one of the sessions' specs. Default: theirs. */
  readonly stateDirectory?: string
}

export type RecoveredSession = NativeRecoveredSession
export type LeftAlone = NativeLeftAlone
export type RecoveryReport = NativeRecoveryReport

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
