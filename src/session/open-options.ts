import { invalid, readRecord } from '../spec/check.ts'

export interface OpenOptions {
  /** Ends the waiting: for a turn (`maxSessions`) and for what another session has (`wait` of the spec). */
  readonly signal?: AbortSignal
  /**
   * False: an output that is missing is refused (SpecError), for who names folders that somebody else makes and takes away. Default: true, it
   * is made.
   */
  readonly makeOutputs?: boolean
}

/**
 * A copy, each option read once.
 * @throws SpecError
 */
export function checkOpenOptions(options: OpenOptions): OpenOptions {
  const { signal, makeOutputs = true, ...others } = readRecord(options, 'options')
  for (const name of Object.keys(others)) throw invalid(name, 'is not an option of opening a session')
  if (typeof makeOutputs !== 'boolean') throw invalid('makeOutputs', 'must be true or false')
  if (signal === undefined) return { makeOutputs }
  if (!(signal instanceof AbortSignal)) throw invalid('signal', 'must be an AbortSignal')
  return { signal, makeOutputs }
}
