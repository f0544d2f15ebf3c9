import { posixResourceUsage, type Duration, type RunResponse } from '../protocol/messages.ts'
import type { Ended } from './actions.ts'

/** As Buildbarn's own runner has it where a signal ended the command. */
const endedBySignal = -1

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
