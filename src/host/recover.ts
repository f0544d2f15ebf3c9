import { binding } from '../native/load.ts'
import { typed } from '../errors.ts'
import type { NativeLeftAlone, NativeRecoveredSession, NativeRecoveryReport } from '../native/binding.ts'
import { stateDirectoryIn, type HostOptions } from './host-options.ts'

export type RecoveredSession = NativeRecoveredSession
export type LeftAlone = NativeLeftAlone
export type RecoveryReport = NativeRecoveryReport

/**
 * Takes away what sessions of dead processes left behind. Sessions that live, of this process or another, are not
 * touched. The first session of a process does the same without a report.
 * @throws BuildjailError `ERR_BUILDJAIL_UNSUPPORTED_PLATFORM` or `ERR_BUILDJAIL_BINDING_NOT_FOUND`, SpecError naming a
 * wrong option.
 */
export async function recover(options: HostOptions = {}): Promise<RecoveryReport> {
  try {
    return await binding().recover(stateDirectoryIn(options))
  } catch (error) {
    throw typed(error)
  }
}
