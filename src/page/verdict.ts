import type { RecordedCommand, RunRecord } from '../recording/run-record.ts'

export interface Verdict {
  readonly isGood: boolean
  readonly words: string
}

export function verdictOf({ end }: RecordedCommand): Verdict {
  if (end === undefined) return { isGood: false, words: 'was not over when its session was closed' }
  if (end.error !== undefined) return { isGood: false, words: `could not be started: ${end.error.message}` }
  if (end.timedOut) return { isGood: false, words: 'timed out' }
  if (end.isCanceled) return { isGood: false, words: 'was stopped' }
  if (end.limit !== undefined) return { isGood: false, words: `came to its limit of ${end.limit}` }
  if (end.signal !== undefined) return { isGood: false, words: `was ended by ${end.signal}` }
  if (end.exitCode === 0) return { isGood: true, words: 'succeeded' }
  return { isGood: false, words: `failed with exit status ${end.exitCode ?? 'unknown'}` }
}

/** Of the whole run. */
export function verdictOfRun({ commands, errors }: RunRecord): Verdict {
  const [first, ...more] = commands
  if (errors.length > 0) return { isGood: false, words: 'something went wrong with the session' }
  if (first === undefined) return { isGood: false, words: 'no command was run' }
  if (more.length === 0) return verdictOf(first)
  const failed = commands.filter((command) => !verdictOf(command).isGood).length
  return failed === 0 ? { isGood: true, words: `${commands.length} commands succeeded` } : { isGood: false, words: `${failed} of ${commands.length} commands failed` }
}
