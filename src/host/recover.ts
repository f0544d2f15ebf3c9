import { listenOnce } from '../native/jobs.ts'
import { binding } from '../native/load.ts'
import type { RecoveryReport } from '../native/record.ts'
import { typed } from '../errors.ts'
import { stateDirectoryIn, type HostOptions } from './host-options.ts'

/**
 * Removes what sessions of dead processes left behind. It does not touch sessions of living processes. The first session of a process does the same without a
 * report.
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
