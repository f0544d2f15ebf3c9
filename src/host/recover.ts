import { listenOnce } from '../native/jobs.ts'
import { binding } from '../native/load.ts'
import type { RecoveryReport } from '../native/record.ts'
import { typed } from '../errors.ts'
import { stateDirectoryIn, type HostOptions } from './host-options.ts'

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
