import type { AnyStdio, Result } from 'buildjail'

import { posixResourceUsage, type Duration, type RunResponse } from '../protocol/messages.ts'

/** How long the parts of an action took, in milliseconds. */
export interface Phases {
  acquire: number
  run: number
  close: number
}

/** How a command ended. */
export type Ended = Pick<Result<AnyStdio>, 'exitCode' | 'signal' | 'limit' | 'isCanceled' | 'failed' | 'durationMs' | 'usage'>

/** The exit code of a command that a signal ended, as Buildbarn's own runner reports it. */
const endedBySignal = -1

/** The answer to a worker. */
export function outcomeOf({ exitCode, signal, usage }: Pick<Ended, 'exitCode' | 'signal' | 'usage'>): RunResponse {
  return {
    exitCode: exitCode ?? endedBySignal,
    resourceUsage: [
      {
        '@type': posixResourceUsage,
        userTime: durationOf(usage.userUs),
        systemTime: durationOf(usage.systemUs),
        maximumResidentSetSize: usage.maxRssBytes,
        terminationSignal: signal === undefined ? '' : signal.replace(/^SIG/, ''),
      },
    ],
  }
}

function durationOf(microseconds: number): Duration {
  const seconds = Math.floor(microseconds / 1_000_000)
  return { seconds, nanos: Math.round((microseconds - seconds * 1_000_000) * 1000) }
}
