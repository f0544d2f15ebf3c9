import { invalid, readRecord } from '../spec/check.ts'
import { fields } from '../spec/fields.ts'
import { stateDirectoryOf } from '../spec/state-directory.ts'

/** Chooses among the sessions of the host. */
export interface HostOptions {
  /** The `stateDirectory` of their specs. Default: the default of a spec. */
  readonly stateDirectory?: string
}

/** @throws SpecError naming the option. */
export function stateDirectoryIn(options: HostOptions): string {
  const own = readRecord(options, 'options')
  for (const key of Object.keys(own)) {
    if (key !== 'stateDirectory') throw invalid(key, 'is not an option; the only one is stateDirectory')
  }
  const named = own['stateDirectory']
  return stateDirectoryOf(named === undefined ? undefined : fields.stateDirectory.read(named, 'stateDirectory'))
}
